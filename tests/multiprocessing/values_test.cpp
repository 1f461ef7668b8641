// SPDX-License-Identifier: MIT
// What goes through a worker and comes back: types of one's own, containers in containers, errors.
#include "multiprocessing/pool.h"

#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

using namespace multiprocessing;
using support::long_enough;

namespace {

struct Sample {
    std::string name;
    std::vector<double> values;
    std::optional<std::string> unit;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, values, unit);
    }
    friend bool operator==(const Sample&, const Sample&) = default;
};

struct NoSuchSample : asyncio::LookupError {
    using LookupError::LookupError;
};
struct Unregistered : asyncio::LookupError {
    using LookupError::LookupError;
};
const ExceptionRegistration<NoSuchSample> no_such_sample("NoSuchSample");

Sample scaled(Sample sample, double factor) {
    for (double& value : sample.values) value *= factor;
    return sample;
}
std::pair<double, double> limits(const std::vector<double>& values) {
    return {*std::min_element(values.begin(), values.end()),
            *std::max_element(values.begin(), values.end())};
}
std::map<std::string, std::vector<Sample>> by_name(std::vector<Sample> samples) {
    std::map<std::string, std::vector<Sample>> all;
    for (Sample& sample : samples) all[sample.name].push_back(sample);
    return all;
}
std::optional<int> found(const std::set<int>& in, int wanted) {
    if (in.contains(wanted)) return wanted;
    return std::nullopt;
}
std::chrono::milliseconds doubled(std::chrono::milliseconds time) { return 2 * time; }
std::size_t size_of(std::string&& text) { return std::move(text).size(); }

void throw_kind(int kind) {
    switch (kind) {
    case 0: throw NoSuchSample("sample 7");
    case 1: throw Unregistered("sample 8");
    case 2: throw std::out_of_range("index 9");
    case 3: throw asyncio::SystemExit(3);
    case 4: throw asyncio::FileNotFoundError(2, "open", "x.csv");
    default: throw kind;
    }
}

const Registration functions[] = {
    {"values.scaled", scaled},         {"values.limits", limits},   {"values.by_name", by_name},
    {"values.found", found},           {"values.doubled", doubled}, {"values.size_of", size_of},
    {"values.throw_kind", throw_kind},
};

const Sample sample{"a", {1.5, -2, 4}, "mm"};

} // namespace

TEST("MP01: a type of one's own goes through a worker, alone and in containers") {
    ProcessPoolExecutor pool(1);
    const Sample twice = pool.submit(scaled, sample, 2).get(long_enough);
    CHECK(twice == Sample({"a", {3, -4, 8}, "mm"}));
    const Sample other{"b", {}, std::nullopt};
    const auto all = pool.submit(by_name, std::vector<Sample>{sample, other, twice}).get();
    CHECK(all.at("a") == std::vector<Sample>({sample, twice}));
    CHECK(all.at("b") == std::vector<Sample>({other}));
}

TEST("MP01: pairs, optionals, sets and durations go through a worker") {
    using namespace std::chrono_literals;
    ProcessPoolExecutor pool(1);
    CHECK(pool.submit(limits, sample.values).get(long_enough) == std::pair(-2.0, 4.0));
    CHECK(pool.submit(found, std::set<int>{1, 2}, 2).get() == 2);
    CHECK(!pool.submit(found, std::set<int>{1, 2}, 3).get());
    CHECK(pool.submit(doubled, 3s).get() == 6s); // converted to what the function takes
    CHECK_EQ(pool.submit(size_of, "four").get(), 4U);
}

TEST("MP01: a worker's errors are caught by their types: registered, known, or as RemoteError") {
    ProcessPoolExecutor pool(1);
    CHECK_THROWS_MSG(pool.submit(throw_kind, 0).get(long_enough), NoSuchSample, "sample 7");
    CHECK_THROWS_MSG(pool.submit(throw_kind, 1).get(), RemoteError, "Unregistered: sample 8");
    CHECK_THROWS_MSG(pool.submit(throw_kind, 2).get(), std::out_of_range, "index 9");
    CHECK_THROWS_AS(pool.submit(throw_kind, 3).get(), asyncio::SystemExit);
    CHECK_THROWS_AS(pool.submit(throw_kind, 4).get(), asyncio::FileNotFoundError);
    CHECK_THROWS_MSG(pool.submit(throw_kind, 5).get(), RemoteError, "int");
}

TEST("MP01: ten thousand small items come back in order") {
    Pool pool(2);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < 10'000; ++i) texts.emplace_back(i % 50, 'x');
    const std::vector<std::size_t> sizes = pool.map(size_of, texts);
    CHECK_EQ(sizes.size(), texts.size());
    bool right = true;
    for (std::size_t i = 0; i < sizes.size(); ++i) right = right && sizes[i] == i % 50;
    CHECK(right);
}
