// SPDX-License-Identifier: MIT
// Transports and protocols: the order of calls, reading, protocols that change, facts, the end.
#include "asyncio/connections.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "support/peers.h"
#include "support/reports.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using support::connect_pair;
using support::connect_tcp;
using support::Recorder;
using support::turns;
using Calls = std::vector<std::string>;

// ---- the beginning ------------------------------------------------------------------------------

CO_TEST("SEM-TRN-01: connection_made, then reading, then the creator goes on") {
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    peer.send("early");
    const auto protocol = std::make_shared<Recorder>();
    auto factory = [protocol] { return protocol; };
    auto made = co_await testing::loop().connect_accepted_socket(factory, std::move(pair.first));
    CHECK_EQ(protocol->calls, Calls{"made"});
    co_await protocol->got_data.wait();
    CHECK_EQ(protocol->data, "early");
    made.transport->abort();
    co_await protocol->lost.wait();
}

namespace {

class PausesAtOnce : public Recorder {
public:
    void connection_made(Transport& made) override {
        Recorder::connection_made(made);
        made.pause_reading();
    }
};

class ClosesAtOnce : public Recorder {
public:
    void connection_made(Transport& made) override {
        Recorder::connection_made(made);
        made.close();
    }
};

class WritesAtOnce : public Recorder {
public:
    void connection_made(Transport& made) override {
        Recorder::connection_made(made);
        written = support::fill(made);
    }
    std::size_t written = 0;
};

} // namespace

CO_TEST("SEM-TRN-01: pause_reading() in connection_made keeps reading off") {
    auto end = co_await connect_pair<PausesAtOnce>();
    end.peer.send("early");
    co_await turns();
    CHECK_EQ(end.protocol->data, "");
    CHECK(!end.transport->is_reading());
    end.transport->resume_reading();
    co_await end.protocol->got_data.wait();
    CHECK_EQ(end.protocol->data, "early");
    end.transport->abort();
    co_await end.protocol->lost.wait();
}

CO_TEST("close() in connection_made: the creator still goes on, and connection_lost comes") {
    auto end = co_await connect_pair<ClosesAtOnce>();
    co_await end.protocol->lost.wait();
    CHECK_EQ(end.protocol->calls, (Calls{"made", "lost"}));
    CHECK(end.peer.at_end());
}

CO_TEST("what connection_made writes beyond the socket's room is sent later") {
    auto end = co_await connect_pair<WritesAtOnce>();
    std::size_t got = 0;
    while (got < end.protocol->written) {
        got += end.peer.receive().size();
        co_await yield_now();
    }
    CHECK_EQ(got, end.protocol->written);
    end.transport->close();
    co_await end.protocol->lost.wait();
}

// ---- the order of calls -------------------------------------------------------------------------

CO_TEST("SEM-TRN-02: made, data, eof, lost: each once and in this order") {
    auto end = co_await connect_pair();
    end.peer.send("abc");
    end.peer.socket.shutdown(SHUT_WR);
    co_await end.protocol->lost.wait();
    CHECK_EQ(end.protocol->calls, (Calls{"made", "data", "eof", "lost"}));
    CHECK_EQ(end.protocol->data, "abc");
    co_await turns(5);
    CHECK_EQ(end.protocol->count("lost"), 1);
    CHECK(end.transport->get_protocol() == nullptr);
}

CO_TEST("SEM-TRN-02: connection_lost has null after close() and abort(), else the error") {
    for (const bool abort : {false, true}) {
        auto end = co_await connect_pair();
        abort ? end.transport->abort() : end.transport->close();
        co_await end.protocol->lost.wait();
        CHECK(end.protocol->loss == nullptr);
    }
    auto end = co_await connect_tcp();
    end.peer.reset();
    co_await end.protocol->lost.wait();
    CHECK_EQ(end.protocol->calls, (Calls{"made", "lost ConnectionResetError"}));
}

CO_TEST("SEM-TRN-03: eof_received that returns false closes the transport") {
    auto end = co_await connect_pair();
    end.peer.socket.shutdown(SHUT_WR);
    co_await end.protocol->lost.wait();
    CHECK(end.protocol->loss == nullptr);
    CHECK(end.peer.at_end());
}

CO_TEST("SEM-TRN-03: eof_received that returns true keeps the way out open") {
    auto end = co_await connect_pair();
    end.protocol->keep_open = true;
    end.peer.socket.shutdown(SHUT_WR);
    co_await end.protocol->got_eof.wait();
    co_await turns();
    CHECK(!end.transport->is_closing());
    end.transport->write("still here");
    CHECK_EQ(end.peer.receive(), "still here");
    CHECK_EQ(end.protocol->count("eof"), 1);
    end.transport->close();
    co_await end.protocol->lost.wait();
}

CO_TEST("the last bytes and the end come in this order, though they are there at once") {
    for (int i = 0; i < 50; ++i) {
        auto end = co_await connect_tcp();
        end.peer.send(std::string(1000, 'x'));
        end.peer.socket.close();
        co_await end.protocol->lost.wait();
        CHECK_EQ(end.protocol->data.size(), std::size_t{1000});
        CHECK_EQ(end.protocol->calls.at(end.protocol->calls.size() - 2), "eof");
    }
}

// ---- failures -----------------------------------------------------------------------------------

namespace {

class Throws : public Recorder {
public:
    void data_received(std::string_view) override { throw ValueError("in data_received"); }
    bool eof_received() override { throw ValueError("in eof_received"); }
};

class ThrowsBuffered : public BufferedProtocol {
public:
    explicit ThrowsBuffered(bool in_get) : in_get_(in_get) {}
    std::span<std::byte> get_buffer(std::ptrdiff_t) override {
        if (in_get_) throw ValueError("in get_buffer");
        return bytes_;
    }
    void buffer_updated(std::size_t) override { throw ValueError("in buffer_updated"); }
    void connection_lost(std::exception_ptr error) override {
        loss = error;
        lost.set();
    }
    std::exception_ptr loss;
    Event lost;

private:
    bool in_get_;
    std::byte bytes_[16];
};

} // namespace

CO_TEST("SEM-TRN-04: an exception of the protocol is reported and ends the connection") {
    support::Reports reports;
    {
        auto end = co_await connect_pair<Throws>();
        end.peer.send("x");
        co_await end.protocol->lost.wait();
        CHECK_EQ(message_of(end.protocol->loss), "in data_received");
    }
    {
        auto end = co_await connect_pair<Throws>();
        end.peer.socket.shutdown(SHUT_WR);
        co_await end.protocol->lost.wait();
        CHECK_EQ(message_of(end.protocol->loss), "in eof_received");
    }
    for (const bool in_get : {true, false}) {
        auto end = co_await connect_pair(std::make_shared<ThrowsBuffered>(in_get));
        end.peer.send("x");
        co_await end.protocol->lost.wait();
        CHECK_EQ(message_of(end.protocol->loss), in_get ? "in get_buffer" : "in buffer_updated");
    }
    CHECK_EQ(reports.messages(), (Calls{"Fatal error: protocol.data_received() call failed.",
                                        "Fatal error: protocol.eof_received() call failed.",
                                        "Fatal error: protocol.get_buffer() call failed.",
                                        "Fatal error: protocol.buffer_updated() call failed."}));
}

CO_TEST("SEM-TRN-05: an error of the system ends the connection without a report") {
    support::Reports reports;
    auto reads = co_await connect_tcp();
    reads.peer.reset();
    co_await reads.protocol->lost.wait();
    CHECK(is_exception<ConnectionResetError>(reads.protocol->loss));

    auto writes = co_await connect_pair();
    writes.transport->pause_reading();
    writes.peer.socket.close();
    writes.transport->write("x");
    CHECK(writes.transport->is_closing());
    CHECK_EQ(writes.protocol->count("lost"), 0); // not from inside write()
    co_await writes.protocol->lost.wait();
    CHECK(is_exception<BrokenPipeError>(writes.protocol->loss));
    CHECK_EQ(reports.messages(), Calls{});
}

namespace {

class ThrowsAtTheEnds : public Protocol {
public:
    void connection_made(Transport&) override { throw ValueError("in connection_made"); }
    void connection_lost(std::exception_ptr) override {
        lost.set();
        throw ValueError("in connection_lost");
    }
    Event lost;
};

} // namespace

CO_TEST(
    "exceptions of connection_made and connection_lost are reported, and the socket is closed") {
    support::Reports reports;
    auto end = co_await connect_pair<ThrowsAtTheEnds>();
    end.transport->close();
    co_await end.protocol->lost.wait();
    co_await turns();
    CHECK_EQ(reports.messages(), (Calls{"Exception in callback connection_made()",
                                        "Exception in callback connection_lost()"}));
    CHECK(end.peer.at_end());
}

// ---- the end ------------------------------------------------------------------------------------

CO_TEST("SEM-TRN-11: close() reads no more, sends the rest, then connection_lost(null)") {
    auto end = co_await connect_pair();
    const std::size_t written = support::fill(*end.transport);
    end.transport->close();
    end.transport->close();
    CHECK(end.transport->is_closing());
    end.peer.send("unheard");
    co_await turns(5);
    CHECK_EQ(end.protocol->count("lost"), 0);
    std::size_t got = 0;
    while (!end.protocol->lost.is_set()) {
        got += end.peer.receive().size();
        co_await yield_now();
    }
    got += end.peer.receive().size();
    CHECK_EQ(got, written);
    CHECK(end.protocol->loss == nullptr);
    CHECK_EQ(end.protocol->data, "");
}

CO_TEST("SEM-TRN-11: with nothing to send, connection_lost comes in the next turn") {
    auto end = co_await connect_pair();
    end.transport->close();
    CHECK_EQ(end.protocol->count("lost"), 0);
    co_await yield_now();
    CHECK_EQ(end.protocol->count("lost"), 1);
}

CO_TEST("SEM-TRN-12: abort() drops what is buffered; connection_lost(null) in the next turn") {
    auto end = co_await connect_pair();
    support::fill(*end.transport);
    end.transport->abort();
    CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    CHECK_EQ(end.protocol->count("lost"), 0);
    co_await yield_now();
    CHECK_EQ(end.protocol->count("lost"), 1);
    CHECK(end.protocol->loss == nullptr);
}

CO_TEST("SEM-TRN-12: abort() also ends a close() whose peer takes nothing") {
    auto end = co_await connect_pair();
    support::fill(*end.transport);
    end.transport->close();
    co_await turns();
    CHECK_EQ(end.protocol->count("lost"), 0);
    end.transport->abort();
    co_await end.protocol->lost.wait();
    CHECK(end.protocol->loss == nullptr);
}

CO_TEST("SEM-TRN-13: pausing and resuming are idempotent, and do nothing after close()") {
    auto end = co_await connect_pair();
    CHECK(end.transport->is_reading());
    end.transport->pause_reading();
    end.transport->pause_reading();
    CHECK(!end.transport->is_reading());
    end.peer.send("later");
    co_await turns();
    CHECK_EQ(end.protocol->data, "");
    end.transport->resume_reading();
    end.transport->resume_reading();
    CHECK(end.transport->is_reading());
    co_await end.protocol->got_data.wait();
    CHECK_EQ(end.protocol->data, "later");
    end.transport->close();
    CHECK(!end.transport->is_reading());
    end.transport->pause_reading();
    end.transport->resume_reading();
    CHECK(!end.transport->is_reading());
    co_await end.protocol->lost.wait();
}

CO_TEST("a transport that is kept after the end does nothing, and knows it") {
    auto end = co_await connect_tcp();
    end.transport->close();
    co_await end.protocol->lost.wait();
    end.transport->close();
    end.transport->abort();
    end.transport->write("x");
    end.transport->write_eof();
    end.transport->resume_reading();
    CHECK(end.transport->is_closing());
    CHECK_EQ(end.transport->get_write_buffer_size(), std::size_t{0});
    CHECK_EQ(to_string(*end.transport), "<SocketTransport closed>");
    CHECK(!end.transport->get_extra_info(extra::sockname).has_value());
    CHECK(end.transport->get_extra_info(extra::peername).has_value());
}

TEST("SEM-TRN-25: a transport that is left open at the loop's end closes its descriptor, and says "
     "so") {
    for (const bool debug : {false, true}) {
        auto pair = Socket::pair();
        const support::Peer peer(std::move(pair.second));
        std::weak_ptr<Recorder> watch;
        {
            EventLoop loop(LoopOptions().debug(debug));
            loop.run_until_complete([](Socket socket, std::weak_ptr<Recorder>* into) -> Coro<> {
                const auto protocol = std::make_shared<Recorder>();
                *into = protocol;
                auto factory = [protocol] { return protocol; };
                co_await get_running_loop().connect_accepted_socket(factory, std::move(socket));
                protocol->transport = TransportRef(); // it would keep itself
            }(std::move(pair.first), &watch));
            CHECK(!watch.expired());
        }
        CHECK(watch.expired());
        CHECK(peer.at_end());
        const auto logs = testing::take_logs();
        CHECK_EQ(logs.size(), std::size_t{debug ? 1U : 0U});
        if (debug) CHECK(logs.at(0).text.find("unclosed transport") != std::string::npos);
    }
}

// ---- protocols that change ----------------------------------------------------------------------

namespace {

/// Receives into a buffer of a few bytes.
class Buffered : public BufferedProtocol {
public:
    explicit Buffered(std::size_t size) : bytes_(size) {}
    void connection_made(Transport&) override { made = true; }
    std::span<std::byte> get_buffer(std::ptrdiff_t hint) override {
        hints.push_back(hint);
        return bytes_;
    }
    void buffer_updated(std::size_t count) override {
        data.append(reinterpret_cast<const char*>(bytes_.data()), count);
        ++updates;
    }
    bool eof_received() override {
        data += "|eof";
        return false;
    }
    void connection_lost(std::exception_ptr error) override {
        loss = error;
        lost.set();
    }

    std::string data;
    std::vector<std::ptrdiff_t> hints;
    std::exception_ptr loss;
    Event lost;
    int updates = 0;
    bool made = false;

private:
    std::vector<std::byte> bytes_;
};

} // namespace

CO_TEST("SEM-TRN-18: set_protocol changes between both kinds while bytes come") {
    auto end = co_await connect_pair();
    end.peer.send("one");
    co_await end.protocol->got_data.wait();
    const auto buffered = std::make_shared<Buffered>(100);
    end.transport->set_protocol(buffered);
    CHECK(end.transport->get_protocol() == buffered);
    end.peer.send("two");
    while (buffered->data.empty()) co_await yield_now();
    CHECK_EQ(buffered->data, "two");
    CHECK(!buffered->made);
    const auto again = std::make_shared<Recorder>();
    end.transport->set_protocol(again);
    end.peer.send("three");
    co_await again->got_data.wait();
    CHECK_EQ(again->data, "three");
    CHECK_EQ(end.protocol->data, "one");
    CHECK_THROWS_AS(end.transport->set_protocol(nullptr), TypeError);
    CHECK_THROWS_AS(end.transport->set_protocol(std::make_shared<BaseProtocol>()), TypeError);
    end.transport->close();
    co_await again->lost.wait();
    CHECK_EQ(end.protocol->count("lost"), 0);
}

namespace {

class ReplacesItself : public Protocol {
public:
    explicit ReplacesItself(std::shared_ptr<Recorder> next) : next_(std::move(next)) {}
    void connection_made(Transport& made) override { transport_ = &made; }
    void data_received(std::string_view data) override {
        transport_->set_protocol(next_); // drops the last handle of this
        next_->data = std::string(data) + "|";
    }

private:
    std::shared_ptr<Recorder> next_;
    Transport* transport_ = nullptr;
};

} // namespace

CO_TEST("SEM-TRN-18: a protocol may replace itself from inside its own call") {
    auto pair = Socket::pair();
    const support::Peer peer(std::move(pair.second));
    const auto next = std::make_shared<Recorder>();
    TransportRef transport;
    {
        auto factory = [next] { return std::make_shared<ReplacesItself>(next); };
        auto made =
            co_await testing::loop().connect_accepted_socket(factory, std::move(pair.first));
        transport = made.transport;
    }
    peer.send("one");
    while (next->data.empty()) co_await yield_now();
    peer.send("two");
    co_await next->got_data.wait();
    CHECK_EQ(next->data, "one|two");
    transport->close();
    co_await next->lost.wait();
}

CO_TEST("SEM-TRN-19: a buffered protocol's small buffer is filled again and again") {
    auto end = co_await connect_pair(std::make_shared<Buffered>(4));
    end.peer.send("0123456789");
    end.peer.socket.shutdown(SHUT_WR);
    co_await end.protocol->lost.wait();
    CHECK_EQ(end.protocol->data, "0123456789|eof");
    CHECK_EQ(end.protocol->updates, 3);
    CHECK_EQ(end.protocol->hints.at(0), std::ptrdiff_t{-1});
    CHECK(end.protocol->made);
}

CO_TEST("SEM-TRN-19: a buffer without room is a fatal RuntimeError") {
    support::Reports reports;
    auto end = co_await connect_pair(std::make_shared<Buffered>(0));
    end.peer.send("x");
    co_await end.protocol->lost.wait();
    CHECK(is_exception<RuntimeError>(end.protocol->loss));
    CHECK_EQ(reports.messages(), Calls{"Fatal error: protocol.get_buffer() call failed."});
}

// ---- facts --------------------------------------------------------------------------------------

CO_TEST("SEM-TRN-20: peername, sockname and socket; other keys give the default") {
    auto end = co_await connect_tcp();
    const Transport& transport = *end.transport;
    CHECK_EQ(to_string(transport.get_extra_info(extra::peername).value()),
             to_string(end.peer.socket.getsockname()));
    CHECK_EQ(to_string(transport.get_extra_info(extra::sockname).value()),
             to_string(end.peer.socket.getpeername()));
    CHECK(transport.get_extra_info(extra::socket).value().getsockname() ==
          end.peer.socket.getpeername());
    constexpr ExtraInfo<int> unknown{"no such thing"};
    CHECK(!transport.get_extra_info(unknown).has_value());
    CHECK_EQ(transport.get_extra_info(unknown, 7), 7);
    constexpr ExtraInfo<int> wrong_type{"peername"};
    CHECK(!transport.get_extra_info(wrong_type).has_value());
    end.transport->close();
    co_await end.protocol->lost.wait();
}

CO_TEST("SEM-TRN-22: TCP sockets send small pieces at once") {
    auto end = co_await connect_tcp();
    const TransportSocket socket = end.transport->get_extra_info(extra::socket).value();
    CHECK(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0);
    end.transport->close();
    co_await end.protocol->lost.wait();
}

CO_TEST("SEM-TRN-23: a live transport's descriptor takes no readers and writers") {
    auto end = co_await connect_pair();
    EventLoop& loop = testing::loop();
    const int fd = end.transport->get_extra_info(extra::socket).value().fileno();
    CHECK_THROWS_MSG(loop.add_reader(fd, [] {}), RuntimeError, "is used by a transport");
    CHECK_THROWS_AS(loop.add_writer(fd, [] {}), RuntimeError);
    CHECK(!loop.remove_reader(fd));
    CHECK(!loop.remove_writer(fd));
    CHECK_THROWS_AS(loop.add_reader(-1, [] {}), ValueError);
    end.peer.send("x");
    co_await end.protocol->got_data.wait();
    end.transport->close();
    co_await end.protocol->lost.wait();
}

CO_TEST("SEM-TRN-24: add_reader replaces a reader and keeps the writer") {
    const auto pair = Socket::pair();
    EventLoop& loop = testing::loop();
    std::string calls;
    const int fd = pair.first.fileno();
    support::Peer(pair.second.dup()).send("x");
    loop.add_writer(fd, [&] {
        calls += 'w';
        loop.remove_writer(fd);
    });
    loop.add_reader(fd, [&] { calls += 'a'; });
    loop.add_reader(fd, [&] {
        calls += 'b';
        loop.remove_reader(fd);
    });
    co_await turns();
    CHECK(calls == "bw" || calls == "wb");
    CHECK(!loop.remove_reader(fd));
    CHECK(!loop.remove_writer(fd));
}

CO_TEST("protocols run in the context in which their transport was made") {
    static ContextVar<int> number("number", 0);
    class Looks : public Recorder {
    public:
        void data_received(std::string_view bytes) override {
            seen = number.get();
            Recorder::data_received(bytes);
        }
        int seen = -1;
    };
    auto end = co_await create_task([]() -> Coro<support::Connection<Looks>> {
        number.set(7);
        co_return co_await connect_pair<Looks>();
    }());
    end.peer.send("x");
    co_await end.protocol->got_data.wait();
    CHECK_EQ(end.protocol->seen, 7);
    CHECK_EQ(number.get(), 0);
    end.transport->close();
    co_await end.protocol->lost.wait();
}

namespace {

class Interrupts : public Recorder {
public:
    void data_received(std::string_view bytes) override {
        Recorder::data_received(bytes);
        if (!std::exchange(interrupted, true)) throw KeyboardInterrupt("now");
    }
    bool interrupted = false;
};

Coro<TransportRef> adopt(std::shared_ptr<Recorder> protocol, Socket socket) {
    auto factory = [protocol] { return protocol; };
    auto made = co_await get_running_loop().connect_accepted_socket(factory, std::move(socket));
    co_return made.transport;
}

} // namespace

TEST("an interrupt out of a protocol leaves the loop, and nothing that was ready is lost") {
    EventLoop loop;
    auto first = Socket::pair();
    auto second = Socket::pair();
    const auto interrupts = std::make_shared<Interrupts>();
    const auto other = std::make_shared<Recorder>();
    TransportRef one = loop.run_until_complete(adopt(interrupts, std::move(first.first)));
    TransportRef two = loop.run_until_complete(adopt(other, std::move(second.first)));
    support::Peer(first.second.dup()).send("x");
    support::Peer(second.second.dup()).send("y");
    CHECK_THROWS_AS(loop.run_until_complete(other->got_data.wait()), KeyboardInterrupt);
    CHECK(!one->is_closing());
    loop.run_until_complete(other->got_data.wait());
    CHECK_EQ(other->data, "y");
    one->abort();
    two->abort();
    loop.run_until_complete(other->lost.wait());
    interrupts->transport = other->transport = TransportRef();
}
