// SPDX-License-Identifier: MIT
// Tutorial, chapter 6: files, folders, and the standard streams, without keeping the loop waiting.
#include <aiofiles/aiofiles.h>
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [write]
asyncio::Coro<> write_notes(std::string path) {
    auto file = co_await aiofiles::open(path, "w");
    co_await file.write("first\n");
    co_await file.write("second, in 中文\n");
    co_await file.close(); // says if the disk was full
}
// [/write]

// [read]
asyncio::Coro<> read_notes(std::string path) {
    auto file = co_await aiofiles::open(path); // "r"
    while (auto line = co_await file.next_line()) std::cout << "line: " << *line;
    co_await file.close();
}
// [/read]

// [closure]
asyncio::Coro<std::string> whole(std::string path) {
    auto read_all = [](aiofiles::AsyncFile& file) { return file.read(); };
    co_return co_await aiofiles::open(path, "r", read_all);
}
// [/closure]

// [together]
asyncio::Coro<> read_together(std::string one, std::string other) {
    auto [a, b] = co_await asyncio::gather(whole(one), whole(other));
    std::cout << a.size() + b.size() << " bytes\n";
}
// [/together]

// [bytes]
asyncio::Coro<> change_in_place(std::string path) {
    auto file = co_await aiofiles::open(path, "r+b"); // bytes: sizes and places count bytes
    co_await file.seek(-4, aiofiles::Whence::end);
    const std::string tail = co_await file.read();
    co_await file.seek(0);
    co_await file.write("FIRST");
    co_await file.truncate(6);
    std::cout << tail.size() << " bytes read, now at " << co_await file.tell() << '\n';
    co_await file.close();
}
// [/bytes]

// [os]
asyncio::Coro<> look_around(std::string folder) {
    co_await aiofiles::os::makedirs(folder + "/a/b");
    co_await aiofiles::os::rename(folder + "/notes.txt", folder + "/a/notes.txt");
    if (co_await aiofiles::os::path::exists(folder + "/a/notes.txt")) {
        const auto status = co_await aiofiles::os::stat(folder + "/a/notes.txt");
        std::cout << "it has " << status.size << " bytes\n";
    }
    const std::vector<std::string> names = co_await aiofiles::os::listdir(folder + "/a");
    std::cout << names.size() << " names\n";
}
// [/os]

// [errors]
asyncio::Coro<> open_nothing(std::string path) {
    try {
        co_await aiofiles::open(path);
    } catch (const asyncio::FileNotFoundError& error) {
        std::cout << "no such file (" << error.errnum() << ")\n";
    }
}
// [/errors]

// [temporary]
asyncio::Coro<> in_a_temporary_folder() {
    auto body = [](const std::string& folder) -> asyncio::Coro<> {
        const std::string path = folder + "/notes.txt";
        co_await write_notes(path);
        co_await read_notes(path);
        co_await read_together(path, path);
        co_await change_in_place(path);
        co_await look_around(folder);
        co_await open_nothing(folder + "/none.txt");
        std::cout << std::flush;
    };
    auto options = aiofiles::tempfile::TempOptions().prefix("chapter-");
    co_await aiofiles::tempfile::TemporaryDirectory(options, body); // removed, however `body` ends
}
// [/temporary]

// [standard]
asyncio::Coro<> count_input() {
    auto input = aiofiles::stdin_();
    auto output = aiofiles::stdout_();
    int lines = 0;
    while (co_await input.next_line()) ++lines; // other tasks go on meanwhile
    co_await output.write("lines of input: " + std::to_string(lines) + "\n");
    co_await output.flush();
}
// [/standard]

asyncio::Coro<> main_() {
    co_await in_a_temporary_folder();
    co_await count_input();
}

int main() { asyncio::run(main_()); }
