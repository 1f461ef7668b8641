// SPDX-License-Identifier: MIT
// Packing: values that come out as they went in, and what cannot be packed.
#include "multiprocessing/payloads.h"

#include "asyncio/testing/testing.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

using namespace multiprocessing;

namespace {

struct Point {
    int x = 0;
    int y = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(x, y);
    }
    friend bool operator==(const Point&, const Point&) = default;
};

/// Throws while it is packed, behind what it has written.
struct Unwritable {
    template <class Archive>
    void serialize(Archive& archive) {
        archive(1, 2, 3);
        throw asyncio::TypeError("cannot be written");
    }
};

template <class T>
T there_and_back(const T& value) {
    Packer packer;
    packer.add(value);
    const std::string bytes = std::move(packer).take();
    Unpacker unpacker(bytes);
    T copy = unpacker.take<T>();
    CHECK(unpacker.at_end());
    return copy;
}

template <class T>
bool survives(const T& value) {
    return there_and_back(value) == value;
}

} // namespace

TEST("MP01: numbers, texts, containers and types of one's own come out as they went in") {
    using namespace std::chrono_literals;
    CHECK(survives(-7));
    CHECK(survives(1.5));
    CHECK(survives(true));
    CHECK(survives(std::string("with\0NUL", 8)));
    CHECK(survives(std::vector<std::string>{"a", "", "ccc"}));
    CHECK(survives(std::vector<bool>{true, false, true}));
    CHECK(survives(std::map<std::string, int>{{"a", 1}, {"b", 2}}));
    CHECK(survives(std::unordered_map<int, Point>{{1, {2, 3}}}));
    CHECK(survives(std::set<int>{3, 1, 2}));
    CHECK(survives(std::optional<int>{}));
    CHECK(survives(std::optional<int>{5}));
    CHECK(survives(std::tuple<int, std::string>{1, "x"}));
    CHECK(survives(std::pair<int, Point>{1, {4, 5}}));
    CHECK(survives(std::variant<int, std::string>{"text"}));
    CHECK(survives(std::array<int, 3>{1, 2, 3}));
    CHECK(survives(1500ms));
}

TEST("MP01: what cannot be packed leaves nothing of itself behind") {
    Packer packer;
    packer.add(std::string("before"));
    CHECK_THROWS_AS(packer.add(Unwritable()), asyncio::TypeError);
    packer.add(7);
    const std::string bytes = std::move(packer).take();
    Unpacker unpacker(bytes);
    CHECK_EQ(unpacker.take<std::string>(), "before");
    CHECK_EQ(unpacker.take<int>(), 7);
    CHECK(unpacker.at_end());
}

TEST("MP01: too few bytes are a PicklingError, wherever they end") {
    Packer packer;
    packer.add(std::string("some text"), 7);
    const std::string bytes = std::move(packer).take();
    for (std::size_t end = 0; end < bytes.size(); ++end) {
        Unpacker unpacker(std::string_view(bytes).substr(0, end));
        bool complete = true;
        try {
            unpacker.take<std::string>();
            unpacker.take<int>();
        } catch (const PicklingError&) {
            complete = false;
        }
        CHECK(!complete);
    }
}
