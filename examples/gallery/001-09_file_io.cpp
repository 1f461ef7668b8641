// SPDX-License-Identifier: MIT
// Three files read at the same time, one written. Tutorial 001, 文件操作.
// Reads file1.txt, file2.txt and file3.txt of the current folder, and writes output.txt there.
#include <aiofiles/aiofiles.h>
#include <asyncio/asyncio.h>

#include <string>
#include <vector>

asyncio::Coro<std::string> read_file(std::string filename) {
    auto f = co_await aiofiles::open(filename, "r");
    co_return co_await f.read(); // closed with its last handle
}

asyncio::Coro<> write_file(std::string filename, std::string content) {
    auto write = [&](aiofiles::AsyncFile& f) { return f.write(content); };
    co_await aiofiles::open(filename, "w", write); // closed behind `write`, however that ends
}

std::string join_lines(const std::vector<std::string>& texts) {
    std::string joined;
    for (const std::string& text : texts) joined += (joined.empty() ? "" : "\n") + text;
    return joined;
}

asyncio::Coro<> main_() {
    // 并发读取
    std::vector<asyncio::Coro<std::string>> reads;
    for (const char* filename : {"file1.txt", "file2.txt", "file3.txt"}) {
        reads.push_back(read_file(filename));
    }
    const std::vector<std::string> contents = co_await asyncio::gather(std::move(reads));

    // 异步写入
    co_await write_file("output.txt", join_lines(contents));
}

int main() { asyncio::run(main_()); }
