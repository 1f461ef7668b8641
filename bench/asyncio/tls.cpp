// SPDX-License-Identifier: MIT
// An echo server over TLS on 127.0.0.1, as every peer of the comparison runs one.
//
// Question   what does TLS cost a request here, beside OpenSSL called by hand and other runtimes?
// Against    OpenSSL on epoll by hand, asio, Go, Node, CPython, uvloop: see bench/run-tls
// Try it     tls [--streams] PORT CERTIFICATE KEY
//
// It sends back what comes, by a protocol; with --streams by a stream.
#include "echo.h"

#include <ssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace asyncio;

int main(int argc, char** argv) {
    const bool streams = argc > 1 && std::strcmp(argv[1], "--streams") == 0;
    const int first = streams ? 2 : 1;
    if (argc != first + 3) {
        std::fprintf(stderr, "usage: tls [--streams] PORT CERTIFICATE KEY\n");
        return 2;
    }
    ::alarm(bench::seconds_max);
    auto context = ssl::create_default_context(ssl::Purpose::client_auth);
    context.load_cert_chain(argv[first + 1], argv[first + 2]);
    const auto options = ServerOptions().backlog(bench::backlog).ssl(context);
    run(bench::serve_echo(streams, std::atoi(argv[first]), options));
}
