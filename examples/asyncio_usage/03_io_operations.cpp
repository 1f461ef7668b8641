// SPDX-License-Identifier: MIT
// I/O 操作: files, streams, pipes and processes, datagrams, logging, and a downloader made of them,
// a numbered section each. Tutorial 004, asyncio 使用指南.
#include <aiofiles/aiofiles.h>
#include <asyncio/asyncio.h>
#include <logging/logging.h>

#include <cctype>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// 1. 异步文件操作: aiofiles

asyncio::Coro<> write_lines(std::string path, int lines) {
    auto file = co_await aiofiles::open(path, "w");
    for (int n = 1; n <= lines; ++n) co_await file.write("line " + std::to_string(n) + "\n");
    co_await file.close();
}

asyncio::Coro<int> count_lines(std::string path) {
    auto file = co_await aiofiles::open(path);
    int lines = 0;
    while (co_await file.next_line()) ++lines;
    co_return lines;
}

asyncio::Coro<> files(std::string folder) {
    std::puts("1. Files: written and read at the same time");
    co_await asyncio::gather(write_lines(folder + "/a", 1000), write_lines(folder + "/b", 500));
    auto [a, b] = co_await asyncio::gather(count_lines(folder + "/a"), count_lines(folder + "/b"));
    std::printf("   %d and %d lines\n", a, b);
}

// 2. 异步流处理: streams

asyncio::Coro<> shout(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        for (char& c : *line) c = static_cast<char>(std::toupper(c));
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
}

asyncio::Coro<std::string> ask(asyncio::Port port, std::string question) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write(question + "\n");
    std::string answer = co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
    answer.pop_back();
    co_return answer;
}

asyncio::Coro<> streams() {
    std::puts("\n2. Streams: a server and two clients");
    auto server = co_await asyncio::start_server(shout, "127.0.0.1", 0);
    const asyncio::Port port = server.sockets()[0].getsockname().port();
    auto [one, two] = co_await asyncio::gather(ask(port, "hello"), ask(port, "world"));
    std::printf("   %s %s\n", one.c_str(), two.c_str());
    co_await server.shutdown(1s);
}

// 3. 管道操作: pipes and processes

asyncio::Coro<> pipes() {
    std::puts("\n3. Pipes: another program sorts, a shell counts");
    auto both = asyncio::ProcessOptions()
                    .stdin_(asyncio::subprocess::PIPE)
                    .stdout_(asyncio::subprocess::PIPE);
    auto sort = co_await asyncio::create_subprocess_exec("sort", "-n", both);
    auto sorted = co_await sort.communicate("10\n9\n1\n");
    std::printf("   sorted: %s", (*sorted.out).substr(0, 2).c_str());

    auto output = asyncio::ProcessOptions().stdout_(asyncio::subprocess::PIPE);
    auto shell = co_await asyncio::create_subprocess_shell("echo one two | wc -w", output);
    auto counted = co_await shell.communicate();
    std::printf("   words: %s", counted.out->c_str());
    std::printf("   exit codes: %d %d\n", *sort.returncode(), *shell.returncode());
}

// 4. Datagrams, which streams do not have

asyncio::Coro<> datagrams() {
    std::puts("\n4. Datagrams: sent, and received with who sent them");
    auto here = asyncio::DatagramOptions().local_addr("127.0.0.1", 0);
    auto receiver = co_await asyncio::open_datagram_socket(here);
    auto there = asyncio::DatagramOptions().remote_addr("127.0.0.1", receiver.sockname().port());
    auto sender = co_await asyncio::open_datagram_socket(there);
    co_await sender.sendto("21.5 degrees");
    auto [data, from] = co_await receiver.recvfrom();
    std::printf("   %s from %s\n", data.c_str(), from.host().c_str());
}

// 5. 异步日志记录: logging

asyncio::Coro<> logs(std::string folder) {
    std::puts("\n5. Logging: the tasks hand lines over, a thread writes them");
    const std::string path = folder + "/server.log";
    auto file = std::make_shared<logging::RotatingFileHandler>(path, 1'000'000, 3);
    auto queue = std::make_shared<logging::LogQueue>(10'000, logging::WhenFull::block);
    logging::QueueListener listener(queue, {file});
    listener.start();
    auto& log = logging::get_logger("server");
    log.set_level(logging::INFO);
    log.set_propagate(false);
    log.add_handler(std::make_shared<logging::QueueHandler>(queue));
    for (int n = 1; n <= 100; ++n) log.info("request {}", n);
    listener.stop();
    std::printf("   %d lines in the file\n", co_await count_lines(path));
}

// 6. 文件下载器: what a stream brings goes to a file, several at a time

asyncio::Coro<> serve_bytes(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    const std::string name = co_await reader.readline();
    for (int piece = 0; piece < 16; ++piece) {
        writer.write(std::string(16 * 1024, name.front()));
        co_await writer.drain();
    }
    writer.close();
}

asyncio::Coro<long> download(asyncio::Port port, std::string name, std::string path,
                             asyncio::Semaphore& places) {
    auto place = co_await places.scoped();
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write(name + "\n");
    auto file = co_await aiofiles::open(path, "wb");
    long bytes = 0;
    for (;;) {
        const std::string piece = co_await reader.read(64 * 1024);
        if (piece.empty()) break;
        co_await file.write(piece);
        bytes += static_cast<long>(piece.size());
    }
    co_await file.close();
    writer.close();
    co_return bytes;
}

asyncio::Coro<> downloads(std::string folder) {
    std::puts("\n6. A downloader: six files, three at a time");
    auto server = co_await asyncio::start_server(serve_bytes, "127.0.0.1", 0);
    const asyncio::Port port = server.sockets()[0].getsockname().port();
    asyncio::Semaphore places(3);
    std::vector<asyncio::Coro<long>> all;
    for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
        const std::string text(1, name);
        all.push_back(download(port, text, folder + "/download-" + text, places));
    }
    long total = 0;
    const std::vector<long> sizes = co_await asyncio::gather(std::move(all));
    for (const long size : sizes) total += size;
    std::printf("   %ld bytes\n", total);
    co_await server.shutdown(1s);
}

asyncio::Coro<> main_() {
    auto folder = co_await aiofiles::tempfile::TemporaryDirectory();
    co_await files(folder.name());
    co_await streams();
    co_await pipes();
    co_await datagrams();
    co_await logs(folder.name());
    co_await downloads(folder.name());
    co_await folder.cleanup();
}

int main() { asyncio::run(main_()); }
