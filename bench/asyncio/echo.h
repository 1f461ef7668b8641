// SPDX-License-Identifier: MIT
// The echo of the benches: by a protocol, or by a stream.
#pragma once

#include <asyncio/asyncio.h>

namespace bench {

inline constexpr unsigned seconds_max = 900; // a server that is forgotten ends by an alarm
inline constexpr int backlog = 4096;
inline constexpr std::ptrdiff_t read_bytes_max = 64 * 1024;

/// Sends back what comes, and stops receiving while that is not taken.
class Echo : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }

private:
    asyncio::Transport* transport_ = nullptr;
};

/// The same by a stream.
inline asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    for (;;) {
        const std::string data = co_await reader.read(read_bytes_max);
        if (data.empty()) co_return;
        writer.write(data);
        co_await writer.drain();
    }
}

/// Serves on 127.0.0.1 until the process is ended. What a peer's reset makes of a connection is not
/// reported.
inline asyncio::Coro<> serve_echo(bool streams, int port, asyncio::ServerOptions options) {
    asyncio::EventLoop& loop = asyncio::get_running_loop();
    loop.set_exception_handler([](asyncio::EventLoop&, const asyncio::ExceptionContext&) {});
    if (streams) {
        const auto server = co_await asyncio::start_server(echo, "127.0.0.1", port, options);
        co_await server.serve_forever();
    } else {
        const auto server = co_await loop.create_server([] { return std::make_shared<Echo>(); },
                                                        "127.0.0.1", port, options);
        co_await server.serve_forever();
    }
}

} // namespace bench
