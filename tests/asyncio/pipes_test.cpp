// SPDX-License-Identifier: MIT
// connect_read_pipe and connect_write_pipe: pipes, sockets, terminals; how each ends.
#include "asyncio/pipes.h"

#include "asyncio/base_events.h"
#include "asyncio/streams.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/testing/system_call_faults.h"
#include "support/peers.h"
#include "support/pipes.h"
#include "support/reports.h"

#include <cstdlib>

using namespace asyncio;
using support::Pipe;
using support::Recorder;
using support::turns;
using testing::Call;
using testing::SystemCallFaults;
using Calls = std::vector<std::string>;

namespace {

Coro<std::shared_ptr<Recorder>> read_end(Descriptor pipe) {
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    co_await testing::loop().connect_read_pipe(factory, std::move(pipe));
    co_return protocol;
}

Coro<std::shared_ptr<Recorder>> write_end(Descriptor pipe) {
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    co_await testing::loop().connect_write_pipe(factory, std::move(pipe));
    co_return protocol;
}

Coro<> gone(std::shared_ptr<Recorder> protocol) {
    co_await protocol->lost.wait();
    protocol->transport = TransportRef();
}

struct Terminal {
    Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0);
        slave = Descriptor(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(slave.get() >= 0);
    }
    Descriptor master;
    Descriptor slave;
};

} // namespace

CO_TEST("SEM-PIP-01: a read pipe gives its data, then its end, then connection_lost(null)") {
    Pipe pipe;
    const int fd = pipe.in();
    const auto protocol = co_await read_end(std::move(pipe.read_end));
    CHECK_EQ(protocol->transport->get_extra_info(extra::pipe).value(), fd);
    CHECK(!protocol->transport->get_extra_info(extra::sockname));
    pipe.put('a');
    co_await protocol->got_data.wait();
    protocol->keep_open = true; // it closes all the same
    pipe.put('b');
    pipe.write_end.reset();
    co_await protocol->lost.wait();
    CHECK_EQ(protocol->data, "ab");
    CHECK_EQ(protocol->calls, (Calls{"made", "data", "data", "eof", "lost"}));
    CHECK_EQ(protocol->transport->get_extra_info(extra::pipe).value(), -1);
    co_await gone(protocol);
}

CO_TEST("SEM-PIP-01: a write pipe writes, also several pieces, and tells its descriptor") {
    Pipe pipe;
    const int fd = pipe.out();
    const auto protocol = co_await write_end(std::move(pipe.write_end));
    CHECK_EQ(protocol->transport->get_extra_info(extra::pipe).value(), fd);
    protocol->transport->write("a");
    const std::vector<std::string_view> pieces{"b", "", "c"};
    protocol->transport->writelines(pieces);
    CHECK_EQ(pipe.get(), 'a');
    CHECK_EQ(pipe.get(), 'b');
    CHECK_EQ(pipe.get(), 'c');
    CHECK(protocol->transport->can_write_eof());
    protocol->transport->write_eof();
    CHECK(protocol->transport->is_closing());
    co_await gone(protocol);
    CHECK_EQ(protocol->calls, (Calls{"made", "lost"}));
}

CO_TEST("SEM-PIP-02: regular files are a ValueError; descriptors do not block afterwards") {
    const auto recorder = [] { return std::make_shared<Recorder>(); };
    EventLoop& loop = testing::loop();
    const auto file = [] { return Descriptor(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)); };
    CHECK_THROWS_MSG(co_await loop.connect_read_pipe(recorder, file()), ValueError,
                     "only for pipes");
    CHECK_THROWS_MSG(co_await loop.connect_write_pipe(recorder, file()), ValueError, "only for");
    CHECK_THROWS_AS(co_await loop.connect_read_pipe(recorder, Descriptor()), OSError);
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    const auto reader = co_await read_end(Descriptor(fds[0]));
    const auto writer = co_await write_end(Descriptor(fds[1]));
    for (const int fd : fds) CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    writer->transport->close();
    co_await gone(writer);
    co_await gone(reader);
}

CO_TEST("SEM-PIP-02: sockets and character devices are taken, too") {
    auto pair = Socket::pair();
    const auto reader = co_await read_end(pair.first.detach());
    const auto writer = co_await write_end(pair.second.detach());
    const auto device = co_await write_end(Descriptor(::open("/dev/ptmx", O_RDWR | O_CLOEXEC)));
    writer->transport->write("x");
    co_await reader->got_data.wait();
    CHECK_EQ(reader->data, "x");
    writer->transport->close();
    device->transport->close();
    co_await gone(writer);
    co_await gone(reader);
    co_await gone(device);
}

CO_TEST("SEM-PIP-03: a write pipe notices that its reader is gone: connection_lost(null)") {
    Pipe pipe;
    const auto protocol = co_await write_end(std::move(pipe.write_end));
    pipe.read_end.reset();
    co_await protocol->lost.wait();
    CHECK_EQ(protocol->calls, (Calls{"made", "lost"}));
    co_await gone(protocol);
}

CO_TEST("SEM-PIP-03: with data unsent it is a BrokenPipeError; no write raises SIGPIPE") {
    Pipe pipe;
    const auto protocol = co_await write_end(std::move(pipe.write_end));
    support::fill(*protocol->transport);
    pipe.read_end.reset();
    co_await protocol->lost.wait();
    CHECK_EQ(protocol->calls.back(), "lost BrokenPipeError");
    co_await gone(protocol);

    Pipe other;
    const auto writer = co_await write_end(std::move(other.write_end));
    other.read_end.reset();
    writer->transport->write("x"); // before the loop has noticed
    co_await writer->lost.wait();
    CHECK_EQ(writer->calls.back(), "lost BrokenPipeError");
    co_await gone(writer);
}

CO_TEST("SEM-PIP-04: close() and write_eof() send what is kept first, abort() drops it") {
    for (const int way : {0, 1, 2}) {
        Pipe pipe;
        const auto protocol = co_await write_end(std::move(pipe.write_end));
        const std::size_t written = support::fill(*protocol->transport);
        if (way == 0) protocol->transport->close();
        if (way == 1) protocol->transport->write_eof();
        if (way == 2) protocol->transport->abort();
        for (int i = 0; i < 5; ++i) protocol->transport->write("late");
        CHECK_EQ(testing::take_logs().size(), std::size_t{1});
        std::size_t got = 0;
        while (!protocol->lost.is_set()) {
            got += pipe.drain();
            co_await yield_now();
        }
        got += pipe.drain();
        CHECK_EQ(got == written, way != 2);
        co_await gone(protocol);
    }
}

CO_TEST("SEM-PIP-04: the marks pause and resume the protocol of a write pipe") {
    Pipe pipe;
    const auto protocol = co_await write_end(std::move(pipe.write_end));
    support::fill(*protocol->transport);
    protocol->transport->write(std::string(70'000, 'x'));
    CHECK_EQ(protocol->count("pause"), 1);
    while (protocol->count("resume") == 0) {
        pipe.drain();
        co_await yield_now();
    }
    protocol->transport->abort();
    co_await gone(protocol);
}

CO_TEST("SEM-PIP-05: a read error is reported, but for EIO") {
    for (const int error : {ENOMEM, EIO}) {
        support::Reports reports;
        Pipe pipe;
        const int fd = pipe.in();
        const auto protocol = co_await read_end(std::move(pipe.read_end));
        {
            SystemCallFaults faults;
            faults.only_on(fd).at(Call::read, error, 0);
            pipe.put();
            co_await protocol->lost.wait();
        }
        CHECK_EQ(protocol->calls, (Calls{"made", "lost OSError"}));
        CHECK_EQ(reports.seen.size(), std::size_t{error == EIO ? 0U : 1U});
        co_await gone(protocol);
    }
}

CO_TEST("SEM-PIP-06: a terminal is read line by line, and written, by two transports at once") {
    Terminal terminal;
    Descriptor copy(::dup(terminal.slave.get()));
    const auto reader = co_await read_end(std::move(terminal.slave));
    const auto writer = co_await write_end(std::move(copy));
    REQUIRE(::write(terminal.master.get(), "one\ntwo\n", 8) == 8);
    while (reader->data.size() < 8) {
        reader->got_data.clear();
        co_await reader->got_data.wait();
    }
    CHECK_EQ(reader->data, "one\ntwo\n");
    writer->transport->write("out\n");
    std::string echoed;
    while (echoed.find("out") == std::string::npos) {
        co_await testing::loop().readable(terminal.master.get());
        char block[100];
        const ssize_t got = ::read(terminal.master.get(), block, sizeof block);
        if (got > 0) echoed.append(block, static_cast<std::size_t>(got));
    }
    writer->transport->close();
    reader->transport->close();
    co_await gone(writer);
    co_await gone(reader);
}

CO_TEST("SEM-PIP-05: a terminal whose other end is gone ends with EIO, which is not reported") {
    support::Reports reports;
    Terminal terminal;
    const auto reader = co_await read_end(std::move(terminal.master));
    terminal.slave.reset();
    co_await reader->lost.wait();
    CHECK_EQ(reader->calls, (Calls{"made", "lost OSError"}));
    CHECK(reports.seen.empty());
    co_await gone(reader);
}

CO_TEST("SEM-PIP-07: pausing and resuming never fails, whether paused, running or closed") {
    Pipe pipe;
    const auto protocol = co_await read_end(std::move(pipe.read_end));
    const TransportRef transport = protocol->transport;
    transport->resume_reading();
    transport->pause_reading();
    transport->pause_reading();
    CHECK(!transport->is_reading());
    pipe.put();
    co_await turns();
    CHECK_EQ(protocol->data, "");
    transport->resume_reading();
    co_await protocol->got_data.wait();
    transport->close();
    transport->pause_reading();
    transport->resume_reading();
    co_await gone(protocol);
    transport->pause_reading();
    transport->resume_reading();
}

CO_TEST("the half that a pipe's transport does not have throws NotImplementedError") {
    Pipe pipe;
    const auto reader = co_await read_end(std::move(pipe.read_end));
    const auto writer = co_await write_end(std::move(pipe.write_end));
    CHECK_THROWS_AS(reader->transport->write("x"), NotImplementedError);
    CHECK_THROWS_AS(reader->transport->writelines({}), NotImplementedError);
    CHECK_THROWS_AS(reader->transport->write_eof(), NotImplementedError);
    CHECK_THROWS_AS(reader->transport->set_write_buffer_limits(1), NotImplementedError);
    CHECK_THROWS_AS(writer->transport->pause_reading(), NotImplementedError);
    CHECK_THROWS_AS(writer->transport->is_reading(), NotImplementedError);
    CHECK_EQ(writer->transport->text().substr(0, 19), "<WritePipeTransport");
    writer->transport->close();
    co_await gone(writer);
    co_await gone(reader);
}

CO_TEST("streams over a pipe: lines to read, and drain() while it is full") {
    Pipe pipe;
    const StreamReader reader;
    const auto incoming = std::make_shared<StreamReaderProtocol>(reader);
    auto in_factory = [incoming] { return incoming; };
    co_await testing::loop().connect_read_pipe(in_factory, std::move(pipe.read_end));
    const auto outgoing = std::make_shared<StreamReaderProtocol>(StreamReader());
    auto out_factory = [outgoing] { return outgoing; };
    auto made = co_await testing::loop().connect_write_pipe(out_factory, std::move(pipe.write_end));
    const StreamWriter writer(*made.transport, outgoing);
    const std::string line(50'000, 'x');
    const auto sending = create_task([](StreamWriter to, std::string text) -> Coro<> {
        for (int i = 0; i < 20; ++i) co_await to.write_all(text + "\n");
        to.close();
    }(writer, line));
    int lines = 0;
    while (auto got = co_await reader.next_line()) lines += *got == line + "\n" ? 1 : 0;
    CHECK_EQ(lines, 20);
    co_await sending;
    co_await writer.wait_closed();
}

CO_SWEEP("connect_read_pipe that is cancelled at whatever suspension closes the descriptor") {
    Pipe pipe;
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    const auto victim =
        sweep.victim(testing::loop().connect_read_pipe(factory, std::move(pipe.read_end)));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    pipe.write_end.reset();
    co_await turns(5);
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
}

CO_SWEEP("connect_write_pipe that is cancelled at whatever suspension closes the descriptor") {
    Pipe pipe;
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    const auto victim =
        sweep.victim(testing::loop().connect_write_pipe(factory, std::move(pipe.write_end)));
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    pipe.read_end.reset();
    co_await turns(5);
    CHECK_EQ(protocol->count("made"), protocol->count("lost"));
    protocol->transport = TransportRef();
}
