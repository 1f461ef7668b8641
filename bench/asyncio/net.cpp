// SPDX-License-Identifier: MIT
// The network workloads, as every peer of the comparison runs them: a server on 127.0.0.1. And
// child processes, one after the other.
//
// Question   what does the library add to a request, and what does an idle connection hold? What
//            does it add to a process that is started and waited for?
// Against    hand-written epoll, asio, libuv, tokio, Go, Node, CPython: see docs/performance.md;
//            posix_spawn and waitpid.
// Try it     net [--streams] echo|lines|idle PORT, net spawn_process COUNT
//
// echo sends back what comes, by a protocol; lines reads a line of a stream, writes it and drains.
// With --streams, echo is a stream's too. idle is echo: its connections are what is looked at.
#include "../meter.h"
#include "echo.h"

#include <asyncio/asyncio.h>

#include <cstdlib>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

using namespace asyncio;

namespace {

constexpr std::size_t line_bytes_max = std::size_t{1} << 18;

Coro<> lines(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) co_return;
        writer.write(line);
        co_await writer.drain();
    }
}

Coro<> serve(std::string mode, bool streams, int port) {
    const auto options = ServerOptions().backlog(bench::backlog).limit(line_bytes_max);
    if (mode != "lines") co_return co_await bench::serve_echo(streams, port, options);
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {}); // resets
    const Server server = co_await start_server(lines, "127.0.0.1", port, options);
    co_await server.serve_forever();
}

Coro<> spawn_processes(long count) {
    const bench::Report report("ours", "spawn_process", count);
    const bench::Meter meter(report);
    for (long i = 0; i < count; ++i) {
        const Process process = co_await create_subprocess_exec("/bin/true");
        if (co_await process.wait() != 0) std::abort();
    }
    meter.stop(static_cast<double>(count));
}

int usage() {
    std::fprintf(stderr, "usage: net [--streams] echo|lines|idle PORT\n"
                         "       net spawn_process COUNT\n");
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    const bool streams = argc > 1 && std::strcmp(argv[1], "--streams") == 0;
    const int first = streams ? 2 : 1;
    if (argc != first + 2) return usage();
    const std::string mode = argv[first];
    if (mode == "spawn_process") {
        run(spawn_processes(std::atol(argv[first + 1])));
        return 0;
    }
    if (mode != "echo" && mode != "lines" && mode != "idle") return usage();
    ::alarm(bench::seconds_max);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    run(serve(mode, streams, std::atoi(argv[first + 1])));
}
