// SPDX-License-Identifier: MIT
// The corpus of the fuzzer sync, and programs by chance, keep every promise of the model.
#include "sync_program.h"

#include "asyncio/testing/testing.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace asyncio;

namespace {

using Program = std::vector<std::uint8_t>;

Program read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return {bytes.begin(), bytes.end()};
}

Program random_program(unsigned seed, std::size_t bytes) {
    std::mt19937 random(seed);
    Program program(bytes);
    for (std::uint8_t& byte : program) byte = static_cast<std::uint8_t>(random());
    return program;
}

void check_program(const Program& program, const std::string& name) {
    const std::string broken = fuzz::run_sync_program(program);
    if (!broken.empty()) testing::fail(__FILE__, __LINE__, name + ": " + broken);
}

} // namespace

TEST("sync programs: every one of the corpus keeps the promises") {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(ASYNCIO_FUZZ_CORPUS "/sync")) {
        check_program(read(entry.path()), entry.path().filename().string());
        ++count;
    }
    CHECK(count > 0);
}

TEST("sync programs: those made by chance keep the promises") {
    const unsigned count = testing::full() ? 5000 : 150;
    for (unsigned i = 0; i < count && testing::failures() == 0; ++i) {
        const unsigned seed = static_cast<unsigned>(testing::seed()) * 100'000 + i;
        check_program(random_program(seed, 3 + 2 * (i % 200)), "seed " + std::to_string(seed));
    }
}

namespace {

constexpr std::uint8_t cancel = 10; // steps of sync_program.cpp
constexpr std::uint8_t turns = 12;

// Cancels each of four tasks, after each of the first turns.
void check_cancels(const Program& line) {
    for (unsigned passed = 0; passed < 12; ++passed) {
        for (std::uint8_t victim = 0; victim < 4; ++victim) {
            Program program = line;
            for (unsigned i = 0; i < passed; ++i) program.insert(program.end(), {turns, 0});
            program.insert(program.end(), {cancel, victim, turns, 4, 3, 0, 5, 0, 6, 0});
            check_program(program, "victim " + std::to_string(victim) + " after " +
                                       std::to_string(passed) + " turns");
        }
    }
}

} // namespace

TEST("sync programs: a cancel in any turn, of anybody in any line, breaks no promise") {
    // Holders of a lock, holders of permits; takers, then items; putters, then room.
    for (Program line :
         {Program{1, 1, 0, 5, 2, 5, 1, 5, 0, 5, 0}, Program{1, 1, 0, 6, 2, 6, 1, 6, 0, 6, 0},
          Program{0, 1, 0, 1, 0, 1, 0, 4, 0, turns, 0, 2, 0, 2, 0},
          Program{1, 1, 0, 0, 0, 0, 0, 0, 0, turns, 0, 3, 0, 3, 0}}) {
        check_cancels(line);
        line[2] = 1; // the same with tasks that start eagerly
        check_cancels(line);
    }
}

TEST("sync programs: the shortest ones do nothing, and that well") {
    for (std::size_t bytes = 0; bytes < 6; ++bytes) {
        check_program(Program(bytes, 0), std::to_string(bytes) + " bytes");
    }
}
