// SPDX-License-Identifier: MIT
// Files written and read back: many small ones, and a large one in pieces.
//
// Question   what does it cost that the loop goes on while the kernel is at work?
// Against    blocking calls by hand, CPython's aiofiles, Node: see bench/run-files
// Try it     files small COUNT AT_ONCE FOLDER, files large MEBIBYTES FOLDER
#include "../meter.h"

#include <aiofiles/aiofiles.h>
#include <asyncio/asyncio.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <unistd.h>
#include <vector>

using namespace asyncio;

namespace {

constexpr unsigned seconds_max = 600;
constexpr std::size_t small_bytes = 4096;
constexpr std::size_t piece_bytes = std::size_t{1} << 20;

void expect(bool held) {
    if (!held) throw std::runtime_error("what was read is not what was written");
}

Coro<> write_file(std::string path, std::string bytes) {
    const auto file = co_await aiofiles::open(std::move(path), "wb");
    co_await file.write(std::move(bytes));
    co_await file.close();
}

Coro<> read_file(std::string path) {
    const auto file = co_await aiofiles::open(std::move(path), "rb");
    const std::string bytes = co_await file.read();
    expect(bytes.size() == small_bytes && bytes.back() == 'x');
    co_await file.close();
}

/// The numbers of files that are still to be dealt with: workers take them one by one.
struct Lot {
    std::string folder;
    long count;
    long next = 0;

    std::string take_path() { return folder + "/" + std::to_string(next++); }
};

// LIFETIME: `lot` is measure's own, which waits.
Coro<> write_lot(Lot* lot) {
    while (lot->next < lot->count) {
        co_await write_file(lot->take_path(), std::string(small_bytes, 'x'));
    }
}

Coro<> read_lot(Lot* lot) {
    while (lot->next < lot->count) co_await read_file(lot->take_path());
}

Coro<> measure(const char* workload, Coro<> (*worker)(Lot*), Lot lot, long at_once) {
    const bench::Report report("ours", std::string(workload) + "/c" + std::to_string(at_once),
                               lot.count);
    const bench::Meter meter(report);
    std::vector<Task<>> workers;
    workers.reserve(static_cast<std::size_t>(at_once));
    for (long i = 0; i < at_once; ++i) workers.push_back(create_task(worker(&lot)));
    for (const Task<>& one : workers) co_await one;
    meter.stop(static_cast<double>(lot.count));
}

Coro<> small_files(long count, long at_once, std::string folder) {
    const Lot lot{std::move(folder), count};
    co_await measure("write_small", write_lot, lot, at_once);
    co_await measure("read_small", read_lot, lot, at_once);
}

Coro<> write_large(long pieces, std::string path) {
    const bench::Report report("ours", "write_large", pieces);
    const std::string piece(piece_bytes, 'x');
    const bench::Meter meter(report);
    const auto file = co_await aiofiles::open(std::move(path), "wb");
    for (long i = 0; i < pieces; ++i) co_await file.write(piece);
    co_await file.close();
    meter.stop(static_cast<double>(pieces));
}

Coro<> read_large(long pieces, std::string path) {
    const bench::Report report("ours", "read_large", pieces);
    const bench::Meter meter(report);
    const auto file = co_await aiofiles::open(std::move(path), "rb");
    for (long i = 0; i < pieces; ++i) {
        const std::string piece = co_await file.read(piece_bytes);
        expect(piece.size() == piece_bytes && piece.back() == 'x');
    }
    co_await file.close();
    meter.stop(static_cast<double>(pieces));
}

Coro<> large_file(long pieces, std::string folder) {
    const std::string path = folder + "/large";
    co_await write_large(pieces, path);
    co_await read_large(pieces, path);
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    ::alarm(seconds_max);
    if (mode == "small" && argc == 5) {
        run(small_files(std::atol(argv[2]), std::atol(argv[3]), argv[4]));
    } else if (mode == "large" && argc == 4) {
        run(large_file(std::atol(argv[2]), argv[3]));
    } else {
        std::fprintf(stderr, "usage: files small COUNT AT_ONCE FOLDER\n"
                             "       files large MEBIBYTES FOLDER\n");
        return 2;
    }
}
