// SPDX-License-Identifier: MIT
// Transports over TLS: bytes both ways, flow control, and every way to the end.
#include "asyncio/base_events.h"
#include "asyncio/sendfile.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"
#include "ssl/ssl.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/peers.h"
#include "support/reports.h"
#include "support/tls_streams.h"

#include <fcntl.h>

using namespace asyncio;
using namespace std::chrono_literals;
using support::pattern;
using support::Recorder;
using support::TlsLink;
using support::turns;
using testing::MemoryOptions;
using Calls = std::vector<std::string>;

namespace {

/// The calls without how often data came.
Calls without_data(const Calls& calls) {
    Calls rest;
    for (const std::string& call : calls) {
        if (call != "data") rest.push_back(call);
    }
    return rest;
}

} // namespace

// ---- bytes --------------------------------------------------------------------------------------

CO_TEST("TLS over a connection in memory: bytes both ways, cut anywhere, and none in the clear") {
    for (const std::size_t piece : {1U, 7U, 1000U, 0U}) {
        TlsLink link(MemoryOptions().piece(piece));
        co_await link.upgrade();
        const std::string question = pattern(3000);
        link.client_end->write(question);
        link.server_end->write("answer");
        while (link.server->data.size() < question.size()) co_await yield_now();
        while (link.client->data.size() < 6) co_await yield_now();
        CHECK(link.server->data == question);
        CHECK_EQ(link.client->data, "answer");
        link.client_end->close();
        co_await link.server->lost.wait();
        co_await link.client->lost.wait();
    }
}

CO_TEST("TLS: megabytes both ways at once, through transports that take little at a time") {
    TlsLink link(MemoryOptions().capacity(10'000).latency(1ms));
    co_await link.upgrade();
    const std::string data = pattern(2'000'000);
    link.client_end->write(data);
    link.server_end->write(data);
    while (link.server->data.size() < data.size() || link.client->data.size() < data.size()) {
        co_await sleep(10ms);
    }
    CHECK(link.server->data == data);
    CHECK(link.client->data == data);
    link.client_end->close();
    co_await link.server->lost.wait();
    co_await link.client->lost.wait();
}

namespace {

/// Takes bytes into a small buffer of its own.
class Small : public BufferedProtocol {
public:
    void connection_lost(std::exception_ptr) override { lost.set(); }
    std::span<std::byte> get_buffer(std::ptrdiff_t) override { return buffer_; }
    void buffer_updated(std::size_t bytes) override {
        data.append(reinterpret_cast<const char*>(buffer_.data()), bytes);
    }
    bool eof_received() override {
        ended = true;
        return false;
    }
    std::string data;
    bool ended = false;
    Event lost;

private:
    std::array<std::byte, 100> buffer_;
};

} // namespace

CO_TEST("SEM-TLS-11: TLS with a BufferedProtocol, whose buffer is smaller than a record") {
    TlsLink<Small> link;
    co_await link.upgrade();
    const std::string data = pattern(50'050);
    link.client_end->write(data);
    while (link.server->data.size() < data.size()) co_await yield_now();
    CHECK(link.server->data == data);
    link.client_end->close();
    co_await link.server->lost.wait();
    co_await link.client->lost.wait();
    CHECK(link.server->ended);
}

CO_TEST("writelines over TLS: all pieces, in their order") {
    TlsLink link;
    co_await link.upgrade();
    const std::vector<std::string_view> pieces{"a", "", "bc", "d"};
    link.client_end->writelines(pieces);
    while (link.server->data.size() < 4) co_await yield_now();
    CHECK_EQ(link.server->data, "abcd");
    link.client_end->abort();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
}

// ---- flow control -------------------------------------------------------------------------------

CO_TEST("SEM-TLS-10: marks of 512 and 256 KiB, no write_eof") {
    TlsLink link;
    co_await link.upgrade();
    Transport& end = *link.client_end;
    CHECK(end.get_write_buffer_limits() ==
          std::pair(std::size_t{128 * 1024}, std::size_t{512 * 1024}));
    CHECK(end.get_read_buffer_limits() ==
          std::pair(std::size_t{64 * 1024}, std::size_t{256 * 1024}));
    CHECK(!end.can_write_eof());
    CHECK_THROWS_AS(end.write_eof(), NotImplementedError);
    end.set_read_buffer_limits(1000);
    CHECK(end.get_read_buffer_limits() == std::pair(std::size_t{250}, std::size_t{1000}));
    CHECK_THROWS_AS(end.set_read_buffer_limits(1, 2), ValueError);
    CHECK_THROWS_AS(end.set_write_buffer_limits(1, 2), ValueError);
    end.abort();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
}

CO_TEST(
    "SEM-TLS-10 FLT-TLS-06: a reader that pauses holds the peer back, and no more than its mark "
    "is kept") {
    TlsLink link(MemoryOptions().capacity(64 * 1024));
    co_await link.upgrade();
    link.server_end->pause_reading();
    const std::string block = pattern(64 * 1024);
    std::size_t written = 0;
    while (link.client->count("pause") == 0) {
        link.client_end->write(block);
        written += block.size();
        co_await turns(5);
        REQUIRE(written < 4'000'000);
    }
    CHECK_EQ(link.server->data.size(), 0u);
    CHECK(link.server_end->get_read_buffer_size() <= 256 * 1024 + 128 * 1024);
    CHECK(link.client_end->get_write_buffer_size() <= 512 * 1024 + block.size());
    CHECK(written > 512 * 1024);

    link.server_end->resume_reading();
    while (link.server->data.size() < written) co_await yield_now();
    CHECK_EQ(link.client->count("resume"), 1);
    CHECK_EQ(link.client_end->get_write_buffer_size(), 0u);
    CHECK_EQ(link.server_end->get_read_buffer_size(), 0u);
    link.client_end->close();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
}

CO_TEST("pause_reading() in data_received: nothing more comes, though records are there") {
    class PausesAlways : public Recorder {
    public:
        void data_received(std::string_view bytes) override {
            Recorder::data_received(bytes);
            over->pause_reading();
        }
        TransportRef over;
    };
    TlsLink<PausesAlways> link;
    co_await link.upgrade();
    link.server->over = link.server_end;
    link.client_end->write(pattern(300'000));
    co_await turns(20);
    CHECK_EQ(link.server->count("data"), 1);
    while (link.server->data.size() < 300'000) {
        link.server_end->resume_reading();
        co_await turns(5);
    }
    CHECK(link.server->data == pattern(300'000));
    link.client_end->close();
    co_await turns();
    link.server_end->resume_reading(); // who has paused does not see the end either
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    link.server->over = TransportRef();
}

CO_TEST("SEM-SNF-02: a file is sent over TLS by reading and writing") {
    TlsLink link;
    co_await link.upgrade();
    const std::string data = pattern(200'000);
    const std::string path = support::temporary_file(data);
    const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK_EQ(co_await testing::loop().sendfile(*link.client_end, file.get()), data.size());
    while (link.server->data.size() < data.size()) co_await yield_now();
    CHECK(link.server->data == data);
    auto natively = SendfileOptions().fallback(false);
    CHECK_THROWS_AS(co_await testing::loop().sendfile(*link.client_end, file.get(), natively),
                    RuntimeError);
    link.client_end->close();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
}

// ---- an orderly end -----------------------------------------------------------------------------

CO_TEST("SEM-TLS-05: close() tells the peer, waits for its answer, and both end without an error") {
    TlsLink link(MemoryOptions().latency(1s));
    co_await link.upgrade();
    link.client_end->write("last words");
    const TimePoint begin = testing::loop().time();
    link.client_end->close();
    CHECK(link.client_end->is_closing());
    link.client_end->close(); // harmless
    co_await link.client->lost.wait();
    CHECK(testing::loop().time() - begin == 2s);
    co_await link.server->lost.wait();
    CHECK_EQ(link.server->calls, (Calls{"made", "data", "eof", "lost"}));
    CHECK_EQ(link.client->calls, (Calls{"made", "lost"}));
    CHECK_EQ(link.server->data, "last words");
    CHECK_EQ(testing::loop().timer_count(), 0u);
}

CO_TEST("SEM-TLS-05 FLT-TLS-05: a peer that never answers the end: TimeoutError after 30 s, or as "
        "said") {
    for (const Duration limit : {Duration(30s), Duration(2s)}) {
        TlsLink link;
        auto options = StartTlsOptions();
        if (limit < Duration(30s)) options.ssl_shutdown_timeout(limit);
        co_await link.upgrade(options);
        link.memory.second().pause_reading(); // below TLS: nobody is there
        const TimePoint begin = testing::loop().time();
        link.client_end->close();
        co_await link.client->lost.wait();
        CHECK(testing::loop().time() - begin == limit);
        CHECK(is_exception<TimeoutError>(link.client->loss));
        CHECK_EQ(message_of(link.client->loss), "SSL shutdown timed out");
        link.server_end->abort();
        co_await link.server->lost.wait();
    }
}

CO_TEST(
    "FLT-TLS-05: a peer that goes on sending while we close: it is dropped, and the end comes") {
    TlsLink link(MemoryOptions().latency(1ms));
    co_await link.upgrade();
    link.server_end->write(pattern(200'000));
    link.client_end->close();
    link.server_end->write(pattern(200'000));
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK_EQ(link.client->data.size(), 0u);
    CHECK(link.client->loss == nullptr);
    CHECK(link.server->loss == nullptr);
}

CO_TEST("FLT-TLS-05: abort() does not wait for anybody") {
    TlsLink link(MemoryOptions().latency(1s));
    co_await link.upgrade();
    link.client_end->write(pattern(1'000'000));
    const TimePoint begin = testing::loop().time();
    link.client_end->abort();
    CHECK(link.client_end->is_closing());
    co_await link.client->lost.wait();
    CHECK(testing::loop().time() == begin);
    CHECK(link.client->loss == nullptr);
    co_await link.server->lost.wait();
}

CO_TEST("SEM-TLS-06: what was written before close() arrives, although the way was full") {
    TlsLink link(MemoryOptions().capacity(1000).latency(10ms));
    co_await link.upgrade();
    const std::string data = pattern(700'000);
    link.client_end->write(data);
    link.client_end->close();
    CHECK(link.client_end->get_write_buffer_size() > 0);
    co_await link.server->lost.wait();
    CHECK(link.server->data == data);
    CHECK(link.server->loss == nullptr);
    co_await link.client->lost.wait();
    CHECK(is_exception<TimeoutError>(link.client->loss) || link.client->loss == nullptr);
}

CO_TEST(
    "SEM-TLS-07: what came before the peer's end is delivered, eof_received comes once, and the "
    "transport closes") {
    TlsLink link;
    co_await link.upgrade();
    link.server_end->pause_reading();
    link.client_end->write(pattern(100'000));
    link.client_end->close();
    co_await turns(10);
    CHECK_EQ(link.server->calls, Calls{"made"});
    link.server_end->resume_reading();
    co_await link.server->lost.wait();
    CHECK(link.server->data == pattern(100'000));
    CHECK_EQ(without_data(link.server->calls), (Calls{"made", "eof", "lost"}));
    co_await link.client->lost.wait();
}

CO_TEST("SEM-TLS-07: eof_received that returns true changes nothing, and is warned of") {
    TlsLink link;
    co_await link.upgrade();
    link.server->keep_open = true;
    link.client_end->close();
    co_await link.server->lost.wait();
    co_await link.client->lost.wait();
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK_EQ(logs[0].text, "returning true from eof_received() has no effect when using ssl");
}

CO_TEST("both close at once: both end without an error") {
    TlsLink link;
    co_await link.upgrade();
    link.client_end->close();
    link.server_end->close();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK(link.client->loss == nullptr && link.server->loss == nullptr);
    CHECK_EQ(link.client->calls, (Calls{"made", "lost"}));
}

CO_TEST("close() in data_received: no more is delivered, and the end is orderly") {
    class ClosesAtOnce : public Recorder {
    public:
        void data_received(std::string_view bytes) override {
            Recorder::data_received(bytes);
            over->close();
        }
        TransportRef over;
    };
    TlsLink<ClosesAtOnce> link;
    co_await link.upgrade();
    link.server->over = link.server_end;
    link.client_end->write(pattern(400'000));
    co_await link.server->lost.wait();
    co_await link.client->lost.wait();
    CHECK_EQ(link.server->count("data"), 1);
    CHECK(link.server->loss == nullptr);
    link.server->over = TransportRef();
}

CO_TEST(
    "SEM-TLS-08: after close() writes are dropped, from the fifth on with a warning; what comes "
    "is dropped; facts are gone") {
    TlsLink link(MemoryOptions().latency(1s));
    co_await link.upgrade();
    link.client_end->close();
    link.server_end->write("too late");
    for (int i = 0; i < 4; ++i) link.client_end->write("x");
    CHECK(testing::take_logs().empty());
    link.client_end->write("x");
    CHECK_EQ(testing::take_logs().size(), 1u);
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK_EQ(link.client->data, "");
    CHECK_EQ(link.server->data, "");
    CHECK(!link.client_end->get_extra_info(extra::socket));
    CHECK(link.client_end->get_protocol() == nullptr);
    link.client_end->pause_reading(); // all harmless
    link.client_end->resume_reading();
    link.client_end->abort();
    link.client_end->write("x");
    static_cast<void>(testing::take_logs());
}

// ---- no orderly end -----------------------------------------------------------------------------

CO_TEST("SEM-TLS-16 FLT-TLS-04: a peer that ends without saying so: bytes, then SSLEOFError, no "
        "eof_received, no timer") {
    TlsLink link;
    co_await link.upgrade();
    link.client_end->write("all of it?");
    co_await turns(5);
    link.memory.first().close(); // below TLS
    co_await link.server->lost.wait();
    CHECK_EQ(link.server->calls, (Calls{"made", "data", "lost SSLEOFError"}));
    CHECK_EQ(link.server->data, "all of it?");
    co_await link.client->lost.wait();
    CHECK_EQ(testing::loop().timer_count(), 0u);
}

CO_TEST(
    "FLT-TLS-06: a peer that vanishes in the middle of a record: SSLEOFError, and no busy loop") {
    TlsLink link(MemoryOptions().piece(100).latency(1ms));
    co_await link.upgrade();
    link.client_end->write(pattern(16'000));
    co_await sleep(3ms);
    link.memory.first().abort();
    co_await link.server->lost.wait();
    CHECK(is_exception<ssl::SSLEOFError>(link.server->loss));
    co_await link.client->lost.wait();
}

CO_TEST("insecure_ignore_unexpected_eof: the same is an end as any other") {
    TlsLink link;
    const ssl::SSLContext lenient = support::server_context();
    lenient.insecure_ignore_unexpected_eof();
    co_await yield_now();
    auto both =
        gather(link.upgrade_client(support::client_context()), link.upgrade_server(lenient));
    auto ends = co_await std::move(both);
    std::get<0>(ends)->write("all of it");
    co_await turns(5);
    link.memory.first().close();
    co_await link.server->lost.wait();
    CHECK_EQ(link.server->calls, (Calls{"made", "data", "eof", "lost"}));
    co_await link.client->lost.wait();
}

CO_TEST("SEM-TLS-16: a reset of the connection below ends both without a timer left") {
    TlsLink link;
    co_await link.upgrade();
    link.memory.reset();
    co_await link.client->lost.wait();
    co_await link.server->lost.wait();
    CHECK_EQ(link.client->calls, (Calls{"made", "lost ConnectionResetError"}));
    CHECK_EQ(testing::loop().timer_count(), 0u);
}

CO_TEST("SEM-TLS-09: a write that the socket refuses shows in the next drain()") {
    auto refuse = [](StreamReader, StreamWriter writer) { writer.transport().abort(); };
    auto options = ServerOptions().ssl(support::server_context());
    const Server server = co_await start_server(refuse, "127.0.0.1", 0, std::move(options));
    auto [reader, writer] =
        co_await open_connection("127.0.0.1", support::port_of(server), support::tls_options());
    std::exception_ptr error;
    for (int i = 0; i < 100 && error == nullptr; ++i) {
        writer.write(pattern(100'000));
        const auto drained = co_await outcome(writer.drain());
        error = drained.exception();
        if (error == nullptr) co_await yield_now();
    }
    CHECK(is_exception<ConnectionError>(error) || is_exception<ssl::SSLError>(error));
    static_cast<void>(testing::take_logs());
    server.close();
    co_await server.wait_closed();
}

CO_TEST("SEM-TLS-14: bytes that are no TLS fail the reader with the TLS error; close() is clean") {
    TlsLink link;
    co_await link.upgrade();
    link.memory.first().write("this is no record");
    co_await link.server->lost.wait();
    CHECK_EQ(link.server->calls, (Calls{"made", "lost SSLError"}));
    CHECK(message_of(link.server->loss).find("(read)") != std::string::npos);
    link.server_end->close();
    link.client_end->close();
    co_await link.client->lost.wait();
    CHECK(is_exception<ssl::SSLError>(link.client->loss)); // the alert
}

CO_TEST("what data_received throws is reported and ends the connection") {
    class Throws : public Recorder {
    public:
        void data_received(std::string_view) override { throw ValueError("not my kind of bytes"); }
    };
    support::Reports reports;
    TlsLink<Throws> link;
    co_await link.upgrade();
    link.client_end->write("x");
    co_await link.server->lost.wait();
    CHECK_EQ(reports.lines(), Calls{"Fatal error: the protocol failed to take what was received: "
                                    "not my kind of bytes"});
    CHECK(is_exception<ValueError>(link.server->loss));
    co_await link.client->lost.wait();
}

CO_TEST(
    "a server that closes its clients ends TLS in good order, and one that aborts does not wait") {
    for (const bool abort : {false, true}) {
        auto idle = [](StreamReader reader, StreamWriter writer) -> Coro<> {
            static_cast<void>(co_await outcome(reader.read()));
            writer.close();
        };
        auto options = ServerOptions().ssl(support::server_context());
        const Server server = co_await start_server(idle, "127.0.0.1", 0, std::move(options));
        auto [reader, writer] =
            co_await open_connection("127.0.0.1", support::port_of(server), support::tls_options());
        writer.write("x");
        co_await turns(5);
        abort ? server.abort_clients() : server.close_clients();
        const auto end = co_await outcome(reader.read());
        CHECK(abort == (end.exception() != nullptr));
        writer.close();
        static_cast<void>(co_await outcome(writer.wait_closed()));
        server.close();
        co_await server.wait_closed();
    }
}
