// SPDX-License-Identifier: MIT
// An echo server over TLS on 127.0.0.1, as every peer of the comparison runs one.
//
// Question   what does TLS cost a request here, beside OpenSSL called by hand and other runtimes?
// Against    OpenSSL on epoll by hand, asio, Go, Node, CPython, uvloop: see bench/run-tls
// Try it     tls [--streams] PORT CERTIFICATE KEY
//
// It sends back what comes, by a protocol; with --streams by a stream.
#include <asyncio/asyncio.h>
#include <ssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace asyncio;

namespace {

constexpr unsigned seconds_max = 900; // a server that is forgotten ends by an alarm
constexpr int backlog = 4096;
constexpr std::ptrdiff_t read_bytes_max = 64 * 1024;

class Echo : public Protocol {
public:
    void connection_made(Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }

private:
    Transport* transport_ = nullptr;
};

Coro<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string data = co_await reader.read(read_bytes_max);
        if (data.empty()) co_return;
        writer.write(data);
        co_await writer.drain();
    }
}

Coro<> serve(bool streams, int port, ssl::SSLContext context) {
    const auto options = ServerOptions().backlog(backlog).ssl(context);
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {}); // peers that reset
    if (streams) {
        const Server server = co_await start_server(echo, "127.0.0.1", port, options);
        co_await server.serve_forever();
    } else {
        const Server server = co_await loop.create_server([] { return std::make_shared<Echo>(); },
                                                          "127.0.0.1", port, options);
        co_await server.serve_forever();
    }
}

} // namespace

int main(int argc, char** argv) {
    const bool streams = argc > 1 && std::strcmp(argv[1], "--streams") == 0;
    const int first = streams ? 2 : 1;
    if (argc != first + 3) {
        std::fprintf(stderr, "usage: tls [--streams] PORT CERTIFICATE KEY\n");
        return 2;
    }
    ::alarm(seconds_max);
    auto context = ssl::create_default_context(ssl::Purpose::client_auth);
    context.load_cert_chain(argv[first + 1], argv[first + 2]);
    run(serve(streams, std::atoi(argv[first]), context));
}
