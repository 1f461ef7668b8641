// SPDX-License-Identifier: MIT
// Writing to sockets: at once, in pieces, marks, the end of writing, connections that are lost.
#include "asyncio/selector_transports.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "support/pattern.h"
#include "support/peers.h"
#include "support/reports.h"
#include "support/system_calls.h"

#include <array>
#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::connect_pair;
using support::connect_tcp;
using support::fill;
using support::pattern;
using support::receive_all;
using support::Recorder;
using support::turns;
using Calls = std::vector<std::string>;

namespace {

template <class P>
Coro<> close(const support::Connection<P>* end) {
    // LIFETIME: the case awaits this.
    end->transport->abort();
    co_await end->protocol->lost.wait();
}

} // namespace

CO_TEST("SEM-TRN-06: write() sends at once what goes, and the rest in order when there is room") {
    auto end = co_await connect_pair();
    end.transport->write("small");
    CHECK_EQ(end.peer.receive(), "small");
    const std::string data = pattern(2'000'000);
    std::string copy = data;
    end.transport->write(copy);
    CHECK(end.transport->get_write_buffer_size() > 0);
    CHECK_EQ(copy, data); // the caller's buffer is not changed,
    copy.assign(copy.size(), '!'); // and may be changed by the caller
    end.transport->write("tail");
    CHECK((co_await receive_all(&end.peer, data.size() + 4)) == data + "tail");
    CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    co_await close(&end);
}

CO_TEST("SEM-TRN-06: empty data does nothing") {
    auto end = co_await connect_pair();
    end.transport->write("");
    end.transport->writelines({});
    const std::array<std::string_view, 2> empty{"", ""};
    end.transport->writelines(empty);
    CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    CHECK(!end.transport->is_closing());
    co_await close(&end);
}

CO_TEST("SEM-TRN-07: writelines() sends its pieces in order, also if one is cut in the middle") {
    for (const int number : {3, 63, 64, 65, 200}) {
        const auto count = static_cast<std::size_t>(number);
        auto end = co_await connect_pair();
        const std::string data = pattern(count * 20'011);
        std::vector<std::string_view> pieces;
        for (std::size_t i = 0; i < count; ++i) {
            pieces.push_back(std::string_view(data).substr(i * 20'011, 20'011));
        }
        end.transport->writelines(pieces);
        CHECK((co_await receive_all(&end.peer, data.size())) == data);
        co_await close(&end);
    }
}

CO_TEST(
    "SEM-TRN-07: writelines() goes behind what is buffered, and pauses the protocol as write()") {
    auto end = co_await connect_pair();
    const std::size_t before = fill(*end.transport);
    const std::string block(70'000, 'y');
    const std::array<std::string_view, 2> pieces{block, block};
    end.transport->writelines(pieces);
    CHECK_EQ(end.protocol->count("pause"), 1);
    const std::string got = co_await receive_all(&end.peer, before + 140'000);
    CHECK_EQ(got.find('y'), before);
    CHECK_EQ(end.protocol->count("resume"), 1);
    co_await close(&end);
}

CO_TEST("SEM-TRN-08: writes after the end are dropped, with a warning from the fifth on") {
    auto end = co_await connect_pair();
    end.transport->close();
    for (int i = 0; i < 4; ++i) end.transport->write("x");
    CHECK_EQ(testing::take_logs().size(), std::size_t{0});
    const std::array<std::string_view, 1> piece{"x"};
    end.transport->writelines(piece);
    end.transport->write("x");
    CHECK_EQ(testing::take_logs().size(), std::size_t{2});
    co_await end.protocol->lost.wait();
    CHECK_EQ(end.peer.receive(), "");
}

CO_TEST("SEM-TRN-09: writing after write_eof() is a RuntimeError") {
    auto end = co_await connect_pair();
    end.transport->write_eof();
    CHECK_THROWS_MSG(end.transport->write("x"), RuntimeError, "after write_eof()");
    const std::array<std::string_view, 1> piece{"x"};
    CHECK_THROWS_AS(end.transport->writelines(piece), RuntimeError);
    co_await close(&end);
}

CO_TEST("SEM-TRN-10: write_eof() ends the writing when all has gone; reading goes on") {
    auto end = co_await connect_pair();
    CHECK(end.transport->can_write_eof());
    const std::size_t size = fill(*end.transport);
    end.transport->write_eof();
    end.transport->write_eof();
    CHECK_EQ((co_await receive_all(&end.peer, size)).size(), size);
    co_await turns();
    CHECK(end.peer.at_end());
    end.peer.send("still heard");
    co_await end.protocol->got_data.wait();
    CHECK_EQ(end.protocol->data, "still heard");
    co_await close(&end);
    end.transport->write_eof();
}

CO_TEST("SEM-TRN-10: write_eof() after close() does nothing") {
    auto end = co_await connect_pair();
    end.transport->close();
    end.transport->write_eof();
    co_await end.protocol->lost.wait();
    CHECK(end.protocol->loss == nullptr);
}

// ---- flow control -------------------------------------------------------------------------------

CO_TEST(
    "SEM-TRN-14: the protocol is paused once above the high mark, and resumed once at the low") {
    auto end = co_await connect_pair();
    const std::size_t before = fill(*end.transport);
    const std::size_t unsent = end.transport->get_write_buffer_size();
    end.transport->set_write_buffer_limits(static_cast<std::ptrdiff_t>(unsent + 10), 100);
    CHECK_EQ(end.protocol->count("pause"), 0);
    end.transport->write(std::string(10, 'x'));
    CHECK_EQ(end.protocol->count("pause"), 0); // as much as the mark is not too much
    end.transport->write("x");
    CHECK_EQ(end.protocol->count("pause"), 1);
    end.transport->write("x");
    CHECK_EQ(end.protocol->count("pause"), 1);
    CHECK_EQ((co_await receive_all(&end.peer, before + 12)).size(), before + 12);
    CHECK_EQ(end.protocol->count("resume"), 1);
    co_await close(&end);
}

CO_TEST("SEM-TRN-15: the marks' defaults, and what is refused") {
    using Limits = std::pair<std::size_t, std::size_t>;
    auto end = co_await connect_pair();
    Transport& transport = *end.transport;
    CHECK(transport.get_write_buffer_limits() == Limits(16 * 1024, 64 * 1024));
    transport.set_write_buffer_limits(std::nullopt, 1000);
    CHECK(transport.get_write_buffer_limits() == Limits(1000, 4000));
    transport.set_write_buffer_limits(1000);
    CHECK(transport.get_write_buffer_limits() == Limits(250, 1000));
    transport.set_write_buffer_limits(0);
    CHECK(transport.get_write_buffer_limits() == Limits(0, 0));
    CHECK_THROWS_AS(transport.set_write_buffer_limits(10, 11), ValueError);
    CHECK_THROWS_AS(transport.set_write_buffer_limits(-1), ValueError);
    CHECK_THROWS_AS(transport.set_write_buffer_limits(10, -1), ValueError);
    CHECK(transport.get_write_buffer_limits() == Limits(0, 0));
    transport.set_write_buffer_limits();
    CHECK(transport.get_write_buffer_limits() == Limits(16 * 1024, 64 * 1024));
    co_await close(&end);
}

CO_TEST("SEM-TRN-16: a high mark below what is buffered pauses the protocol at once") {
    auto end = co_await connect_pair();
    fill(*end.transport);
    CHECK_EQ(end.protocol->count("pause"), 0);
    end.transport->set_write_buffer_limits(0);
    CHECK_EQ(end.protocol->count("pause"), 1);
    co_await close(&end);
}

namespace {

class ThrowsWhenPaused : public Recorder {
public:
    void pause_writing() override {
        Recorder::pause_writing();
        throw ValueError("in pause_writing");
    }
    void resume_writing() override {
        Recorder::resume_writing();
        throw ValueError("in resume_writing");
    }
};

} // namespace

CO_TEST("SEM-TRN-17: pause_writing comes from inside write(); its exceptions do no harm") {
    support::Reports reports;
    auto end = co_await connect_pair<ThrowsWhenPaused>();
    end.transport->set_write_buffer_limits(0);
    const std::size_t size = fill(*end.transport);
    CHECK_EQ(end.protocol->calls, (Calls{"made", "pause"}));
    CHECK_EQ((co_await receive_all(&end.peer, size)).size(), size);
    CHECK_EQ(end.protocol->calls, (Calls{"made", "pause", "resume"}));
    CHECK_EQ(reports.messages(),
             (Calls{"protocol.pause_writing() failed", "protocol.resume_writing() failed"}));
    CHECK(!end.transport->is_closing());
    co_await close(&end);
}

// ---- what the kernel does -----------------------------------------------------------------------

CO_TEST("a second rest is sent as the first: readiness is told anew each time") {
    auto end = co_await connect_tcp();
    std::size_t total = 0;
    for (int round = 0; round < 5; ++round) {
        const std::size_t size = fill(*end.transport);
        total += (co_await receive_all(&end.peer, size)).size();
        CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    }
    CHECK(total > 0);
    co_await close(&end);
}

CO_TEST("more than the read buffer arrives whole, over several turns") {
    auto end = co_await connect_tcp();
    const std::string data = pattern(3'000'000);
    std::size_t sent = 0;
    while (end.protocol->data.size() < data.size()) {
        const ssize_t some =
            os::send(end.peer.socket.fileno(), data.data() + sent, data.size() - sent);
        if (some > 0) sent += static_cast<std::size_t>(some);
        co_await yield_now();
    }
    CHECK(end.protocol->data == data);
    co_await close(&end);
}

CO_TEST("a turn receives 128 KiB; the rest waits, and woken tasks go first") {
    std::vector<support::Connection<Recorder>> ends;
    for (int i = 0; i < 8; ++i) ends.push_back(co_await connect_pair());
    for (const auto& end : ends) end.peer.send(std::string(100'000, 'x'));
    co_await yield_now(); // polls
    co_await yield_now();
    std::size_t received = 0;
    for (const auto& end : ends) received += end.protocol->data.size();
    CHECK(received <= 200'000);
    CHECK(received >= 100'000);
    co_await turns(10);
    for (const auto& end : ends) {
        CHECK_EQ(end.protocol->data.size(), std::size_t{100'000});
        co_await close(&end);
    }
}

CO_TEST("both ways at once: a big echo goes through small socket buffers") {
    class Echo : public Recorder {
    public:
        void data_received(std::string_view bytes) override { transport->write(bytes); }
        void pause_writing() override { transport->pause_reading(); }
        void resume_writing() override { transport->resume_reading(); }
    };
    auto end = co_await connect_tcp<Echo>();
    const std::string data = pattern(4'000'000);
    std::size_t sent = 0;
    std::string got;
    while (got.size() < data.size()) {
        const ssize_t some =
            os::send(end.peer.socket.fileno(), data.data() + sent, data.size() - sent);
        if (some > 0) sent += static_cast<std::size_t>(some);
        got += end.peer.receive();
        co_await yield_now();
    }
    CHECK(got == data);
    co_await close(&end);
}

CO_TEST("a descriptor number that is used again gets no event of the one before") {
    auto first = co_await connect_pair();
    const int fd = first.transport->get_extra_info(extra::socket).value().fileno();
    const Socket copy = first.transport->get_extra_info(extra::socket).value().dup();
    co_await close(&first);
    auto second = co_await connect_pair();
    CHECK_EQ(second.transport->get_extra_info(extra::socket).value().fileno(), fd);
    first.peer.send("for the copy"); // the old file is alive, and readable
    co_await turns(5);
    CHECK_EQ(second.protocol->data, "");
    second.peer.send("for the new");
    co_await second.protocol->got_data.wait();
    CHECK_EQ(second.protocol->data, "for the new");
    co_await close(&second);
}

CO_TEST("events of a stale descriptor elsewhere rebuild the poller, and transports go on") {
    auto end = co_await connect_pair();
    EventLoop& loop = testing::loop();
    auto pair = Socket::pair();
    loop.add_reader(pair.first.fileno(), [] {});
    const Socket copy = pair.first.dup();
    pair.first.close(); // behind the loop's back, while a copy is alive
    support::Peer(pair.second.dup()).send("x");
    loop.remove_reader(copy.fileno() - 1);
    co_await turns(5);
    end.peer.send("y");
    co_await end.protocol->got_data.wait();
    CHECK_EQ(end.protocol->data, "y");
    co_await close(&end);
}

CO_TEST("a kernel that refuses to watch a socket ends the connection with the error") {
    const support::KeepSystemCalls keep;
    auto pair = Socket::pair();
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    auto connecting = testing::loop().connect_accepted_socket(factory, std::move(pair.first));
    os::system_calls.epoll_ctl = [](int, int, int, epoll_event*) {
        errno = ENOSPC;
        return -1;
    };
    co_await std::move(connecting);
    co_await protocol->lost.wait();
    CHECK_EQ(protocol->calls, (Calls{"made", "lost OSError"}));
    protocol->transport = TransportRef();
}
