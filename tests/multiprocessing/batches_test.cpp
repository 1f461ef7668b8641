// SPDX-License-Identifier: MIT
// Batches: calls packed, run and unpacked, without a process between.
#include "multiprocessing/batches.h"

#include "asyncio/testing/testing.h"
#include "multiprocessing/registry.h"

#include <memory>

using namespace multiprocessing;

namespace {

/// Can be packed, but not always.
struct Fragile {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value);
        if (value == 13) throw asyncio::TypeError("cannot be packed");
    }
};

int half(int number) {
    if (number % 2 != 0) throw asyncio::ValueError("odd: " + std::to_string(number));
    return number / 2;
}
int calls_made = 0;
void note_call() { ++calls_made; }
Fragile fragile(int value) { return Fragile{value}; }
std::string joined(std::string a, const std::string& b, std::string&& c) { return a + b + c; }
const std::string& constant() {
    static const std::string text = "constant";
    return text;
}

const Registration functions[] = {
    {"batches.half", half},     {"batches.note_call", note_call}, {"batches.fragile", fragile},
    {"batches.joined", joined}, {"batches.constant", constant},
};

template <class R, class... P>
Batch<R> run(std::string_view name, const std::vector<std::tuple<P...>>& calls) {
    Packer packer;
    for (const auto& call : calls) {
        std::apply([&packer](const P&... args) { pack_call<P...>(packer, args...); }, call);
    }
    return unpack_batch<R>(run_registered(name, std::move(packer).take()));
}

} // namespace

TEST("MP01: a batch has the results of its calls, up to one that throws") {
    using Calls = std::vector<std::tuple<int>>;
    const auto all = run<int>("batches.half", Calls{{2}, {4}, {6}});
    CHECK(all.results == std::vector<int>({1, 2, 3}));
    CHECK(!all.error);
    const auto some = run<int>("batches.half", Calls{{2}, {5}, {6}});
    CHECK(some.results == std::vector<int>({1}));
    CHECK_EQ(asyncio::repr(some.error), "ValueError('odd: 5')");
    CHECK(run<int>("batches.half", Calls{}).results.empty());
}

TEST("MP01: a function without arguments and result is called as often as it is asked for") {
    calls_made = 0;
    const auto batch = run<void>("batches.note_call", std::vector<std::tuple<>>(3));
    CHECK_EQ(calls_made, 3);
    CHECK_EQ(batch.results.size(), 3U);
}

TEST("MP01: a result that cannot be packed is the error of its call") {
    const auto batch =
        run<Fragile>("batches.fragile", std::vector<std::tuple<int>>{{1}, {13}, {2}});
    CHECK_EQ(batch.results.size(), 1U);
    CHECK_EQ(batch.results[0].value, 1);
    CHECK_EQ(asyncio::repr(batch.error), "TypeError('cannot be packed')");
}

TEST("MP01: parameters are given as they are declared, from values that were packed") {
    using Calls = std::vector<std::tuple<std::string, std::string, std::string>>;
    const auto batch = run<std::string>("batches.joined", Calls{{"a", "b", "c"}});
    CHECK_EQ(batch.results.at(0), "abc");
    const auto by_value = run<const std::string&>("batches.constant", std::vector<std::tuple<>>(1));
    CHECK_EQ(by_value.results.at(0), "constant");
}

TEST("MP01: a reply that is cut off is a PicklingError") {
    Packer calls;
    pack_call<int>(calls, 2);
    const std::string reply = run_registered("batches.half", std::move(calls).take());
    for (std::size_t end = 0; end < reply.size(); ++end) {
        CHECK_THROWS_AS(unpack_batch<int>(std::string_view(reply).substr(0, end)), PicklingError);
    }
}
