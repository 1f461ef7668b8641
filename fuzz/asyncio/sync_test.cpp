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

TEST("sync programs: the shortest ones do nothing, and that well") {
    for (std::size_t bytes = 0; bytes < 6; ++bytes) {
        check_program(Program(bytes, 0), std::to_string(bytes) + " bytes");
    }
}
