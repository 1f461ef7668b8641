// SPDX-License-Identifier: MIT
// Exceptions, packed and unpacked: known ones with their type, all with their text.
#include "multiprocessing/remote_errors.h"

#include "asyncio/testing/testing.h"

#include <cerrno>

using namespace multiprocessing;

namespace {

namespace app {
struct Unknown : asyncio::ValueError {
    using ValueError::ValueError;
};
struct Torn : std::exception {
    const char* what() const noexcept override { return "torn"; }
};
} // namespace app

/// With more than a text.
struct Quota : asyncio::RuntimeError {
    Quota() : RuntimeError("over quota") {}
    int used = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(used);
    }
};
const ExceptionRegistration<Quota> quota("Quota");

struct Plain : asyncio::LookupError {
    using LookupError::LookupError;
};
const ExceptionRegistration<Plain> plain("Plain");

template <class E>
std::exception_ptr through(E error) {
    return unpack_exception(pack_exception(std::make_exception_ptr(std::move(error))));
}

template <class E>
bool same(E error) {
    const std::exception_ptr before = std::make_exception_ptr(error);
    const std::exception_ptr after = unpack_exception(pack_exception(before));
    return *after.__cxa_exception_type() == typeid(E) &&
           asyncio::repr(after) == asyncio::repr(before);
}

} // namespace

TEST("MP01: the exceptions of Python's tree and of the standard library keep type and text") {
    CHECK(same(asyncio::Error("text")));
    CHECK(same(asyncio::ValueError("text")));
    CHECK(same(asyncio::ZeroDivisionError("division by zero")));
    CHECK(same(asyncio::KeyError("")));
    CHECK(same(asyncio::CancelledError("why")));
    CHECK(same(asyncio::KeyboardInterrupt()));
    CHECK(same(std::out_of_range("map::at")));
    CHECK(same(std::runtime_error("with\nlines")));
    CHECK(same(std::bad_alloc()));
    CHECK(same(PicklingError("no")));
    CHECK(same(BrokenProcessPool("lost")));
}

TEST("MP01: every type that is known is found by its name and by its type") {
    for (const auto* type : {&typeid(asyncio::QueueEmpty), &typeid(asyncio::EOFError),
                             &typeid(std::logic_error), &typeid(asyncio::ExceptionGroup)}) {
        const KnownException* known = known_exception(*type);
        CHECK(known != nullptr);
        CHECK(known_exception(std::string_view(known->name)) == known);
    }
    CHECK(known_exception(typeid(app::Unknown)) == nullptr);
    CHECK(known_exception("Unknown") == nullptr);
}

TEST("MP01: an OSError keeps errno, call and object") {
    const auto error = through(asyncio::FileNotFoundError(ENOENT, "open", "x.txt"));
    bool seen = false;
    try {
        std::rethrow_exception(error);
    } catch (const asyncio::FileNotFoundError& e) {
        seen = true;
        CHECK_EQ(e.errnum(), ENOENT);
        CHECK_EQ(e.call(), "open");
        CHECK_EQ(e.object(), "x.txt");
    }
    CHECK(seen);
    CHECK(same(asyncio::OSError("a text alone")));
    CHECK(same(asyncio::TimeoutError()));
}

TEST("MP01: exceptions with more than a text keep it") {
    bool seen = false;
    try {
        std::rethrow_exception(through(asyncio::SystemExit(3)));
    } catch (const asyncio::SystemExit& e) {
        seen = e.code == 3;
    }
    CHECK(seen);
    try {
        std::rethrow_exception(through(asyncio::IncompleteReadError("part", 9)));
    } catch (const asyncio::IncompleteReadError& e) {
        CHECK_EQ(e.partial, "part");
        CHECK(e.expected == 9U);
    }
    try {
        std::rethrow_exception(through(asyncio::LimitOverrunError("too long", 7)));
    } catch (const asyncio::LimitOverrunError& e) {
        CHECK_EQ(e.consumed, 7U);
    }
}

TEST("MP01: a group comes through with its members, and theirs") {
    const auto inner =
        asyncio::make_exception_group("inner", {std::make_exception_ptr(asyncio::TypeError("t"))});
    const auto group = unpack_exception(pack_exception(asyncio::make_exception_group(
        "outer", {inner, std::make_exception_ptr(app::Unknown("u"))})));
    bool seen = false;
    try {
        std::rethrow_exception(group);
    } catch (const asyncio::ExceptionGroup& e) {
        seen = true;
        CHECK_EQ(e.message(), "outer");
        CHECK(e.subgroup<asyncio::TypeError>().has_value());
        CHECK(e.subgroup<RemoteError>().has_value());
    }
    CHECK(seen);
}

TEST("MP01: a type that nobody knows comes through as RemoteError, with its name and text") {
    bool seen = false;
    try {
        std::rethrow_exception(through(app::Unknown("there")));
    } catch (const RemoteError& e) {
        seen = true;
        CHECK_EQ(e.type_name(), "Unknown");
        CHECK_EQ(std::string(e.what()), "Unknown: there");
    }
    CHECK(seen);
    CHECK_EQ(asyncio::message_of(through(app::Torn())), "Torn: torn");
    CHECK_EQ(asyncio::message_of(through(7)), "int");
    CHECK(same(RemoteError("Unknown", "there"))); // through two processes
}

TEST("MP01: a registered exception keeps its type, and what it serializes") {
    CHECK(same(Plain("gone")));
    Quota over;
    over.used = 120;
    bool seen = false;
    try {
        std::rethrow_exception(through(over));
    } catch (const Quota& e) {
        seen = e.used == 120;
    }
    CHECK(seen);
}

TEST("MP01: bytes that are no exception are a PicklingError") {
    const std::string bytes = pack_exception(std::make_exception_ptr(asyncio::ValueError("text")));
    for (std::size_t end = 0; end < bytes.size(); ++end) {
        CHECK_THROWS_AS(unpack_exception(std::string_view(bytes).substr(0, end)), PicklingError);
    }
}
