// SPDX-License-Identifier: MIT
// Exceptions: Python's tree, its text forms, and groups.
#include "asyncio/exceptions.h"

#include "asyncio/testing/testing.h"

using namespace asyncio;

namespace {

template <class E>
std::exception_ptr made(const E& error) {
    return std::make_exception_ptr(error);
}

ExceptionGroup group_of(const char* message, std::vector<std::exception_ptr> errors) {
    return ExceptionGroup(message, std::move(errors));
}

// "outer[ValueError('a'), inner[KeyError('b')]]"
std::string shape(const ExceptionGroup& group) {
    std::string text = group.message() + "[";
    for (const std::exception_ptr& error : group.exceptions()) {
        if (text.back() != '[') text += ", ";
        bool nested = false;
        detail::visit_exception<ExceptionGroup>(error, [&](const ExceptionGroup& inner) {
            text += shape(inner);
            nested = true;
        });
        if (!nested) text += repr(error);
    }
    return text + "]";
}

std::string shape(const std::optional<ExceptionGroup>& group) {
    return group ? shape(*group) : "nothing";
}

// Three levels: outer[Value a, inner[Key b, Value c], File]
ExceptionGroup tree() {
    return group_of("outer", {made(ValueError("a")),
                              made(group_of("inner", {made(KeyError("b")), made(ValueError("c"))})),
                              made(EOFError("d"))});
}

} // namespace

// ---- the tree -----------------------------------------------------------------------------------

TEST("catch (const std::exception&) takes errors, and no cancellation or interrupt") {
    static_assert(std::is_base_of_v<std::exception, ValueError>);
    static_assert(std::is_base_of_v<std::exception, OSError>);
    static_assert(std::is_base_of_v<std::exception, ExceptionGroup>);
    static_assert(!std::is_base_of_v<std::exception, CancelledError>);
    static_assert(!std::is_base_of_v<std::exception, KeyboardInterrupt>);
    static_assert(!std::is_base_of_v<std::exception, SystemExit>);
    static_assert(!std::is_base_of_v<std::exception, GeneratorExit>);
}

TEST("the tree of exceptions is Python's") {
    static_assert(std::is_base_of_v<BaseException, CancelledError>);
    static_assert(std::is_base_of_v<RuntimeError, NotImplementedError>);
    static_assert(std::is_base_of_v<RuntimeError, BrokenBarrierError>);
    static_assert(std::is_base_of_v<LookupError, KeyError>);
    static_assert(std::is_base_of_v<LookupError, IndexError>);
    static_assert(std::is_base_of_v<ArithmeticError, ZeroDivisionError>);
    static_assert(std::is_base_of_v<EOFError, IncompleteReadError>);
    static_assert(std::is_base_of_v<OSError, TimeoutError>);
    static_assert(std::is_base_of_v<OSError, ConnectionError>);
    static_assert(std::is_base_of_v<ConnectionError, ConnectionResetError>);
    static_assert(std::is_base_of_v<ConnectionError, BrokenPipeError>);
    static_assert(!std::is_base_of_v<Error, OSError>);
}

TEST("SystemExit carries the status") {
    CHECK_EQ(SystemExit(3).code, 3);
    CHECK_EQ(SystemExit(3).message(), "3");
    CHECK_EQ(SystemExit("bye").message(), "bye");
}

TEST("IncompleteReadError says how much of how much was read") {
    const IncompleteReadError some("abc", 10);
    CHECK_EQ(std::string(some.what()), "3 bytes read on a total of 10 expected bytes");
    CHECK_EQ(some.partial, "abc");
    const IncompleteReadError open_end("abc", std::nullopt);
    CHECK_EQ(std::string(open_end.what()), "3 bytes read on a total of undefined expected bytes");
}

// ---- looking into an exception_ptr --------------------------------------------------------------

TEST("is_exception is true for the type itself and for its bases, and for nothing else") {
    const auto error = made(KeyError("k"));
    CHECK(is_exception<KeyError>(error));
    CHECK(is_exception<LookupError>(error));
    CHECK(is_exception<std::exception>(error));
    CHECK(!is_exception<IndexError>(error));
    CHECK(!is_exception<CancelledError>(error));
    CHECK(is_exception<CancelledError>(made(CancelledError())));
    CHECK(is_exception<BaseException>(made(CancelledError())));
    CHECK(!is_exception<std::exception>(made(CancelledError())));
    CHECK(is_exception<int>(made(3)));
    CHECK(!is_exception<ValueError>(nullptr));
}

TEST("visit_exception gives the object itself, and lets what the visitor throws pass") {
    const auto error = made(KeyError("k"));
    std::string seen;
    CHECK(detail::visit_exception<KeyError>(error, [&](const KeyError& e) { seen = e.what(); }));
    CHECK_EQ(seen, "k");
    CHECK(detail::visit_exception<LookupError>(error,
                                               [&](const LookupError& e) { seen += e.what(); }));
    CHECK_EQ(seen, "kk");
    CHECK_THROWS_MSG(detail::visit_exception<LookupError>(
                         error, [](const LookupError&) { throw KeyError("another"); }),
                     KeyError, "another");
}

TEST("the text of an exception is Python's repr") {
    CHECK_EQ(repr(made(ValueError("child 3 failed"))), "ValueError('child 3 failed')");
    CHECK_EQ(repr(made(ValueError())), "ValueError()");
    CHECK_EQ(repr(made(CancelledError())), "CancelledError()");
    CHECK_EQ(repr(made(CancelledError("enough"))), "CancelledError('enough')");
    CHECK_EQ(repr(made(ValueError("it's"))), "ValueError(\"it's\")");
    CHECK_EQ(repr(made(ValueError("it's \"both\""))), "ValueError('it\\'s \"both\"')");
    CHECK_EQ(repr(made(ValueError("two\nlines"))), "ValueError('two\\nlines')");
    CHECK_EQ(repr(made(std::runtime_error("std"))), "runtime_error('std')");
    CHECK_EQ(repr(made(42)), "int()");
    CHECK_EQ(repr(std::exception_ptr()), "None");
}

TEST("an exception object shows its own type, not the base that it is seen through") {
    const KeyError key("k");
    const LookupError& as_base = key;
    CHECK_EQ(repr(as_base), "KeyError('k')");
    const CancelledError cancelled("c");
    const BaseException& as_base_exception = cancelled;
    CHECK_EQ(repr(as_base_exception), "CancelledError('c')");
}

TEST("type_name and message_of say nothing for what has none") {
    CHECK_EQ(type_name(nullptr), "None");
    CHECK_EQ(message_of(nullptr), "");
    CHECK_EQ(message_of(made(42)), "");
    CHECK_EQ(message_of(made(KeyError("k"))), "k");
    CHECK_EQ(message_of(made(CancelledError("c"))), "c");
}

// ---- groups -------------------------------------------------------------------------------------

TEST("a group says how many exceptions it has, and shows them in order") {
    const auto one = group_of("errors", {made(ValueError("a"))});
    CHECK_EQ(std::string(one.what()), "errors (1 sub-exception)");
    const auto two = group_of("errors", {made(ValueError("a")), made(KeyError("b"))});
    CHECK_EQ(std::string(two.what()), "errors (2 sub-exceptions)");
    CHECK_EQ(two.message(), "errors");
    REQUIRE(two.exceptions().size() == 2);
    CHECK_EQ(repr(two.exceptions()[1]), "KeyError('b')");
    CHECK_EQ(repr(made(two)), "ExceptionGroup('errors (2 sub-exceptions)')");
}

TEST("a group is not empty, and an ExceptionGroup holds no interrupts") {
    CHECK_THROWS_AS(group_of("none", {}), ValueError);
    CHECK_THROWS_AS(group_of("wrong", {made(CancelledError())}), TypeError);
}

TEST("make_exception_group makes a group that is a std::exception only if all its members are") {
    const auto plain = make_exception_group("plain", {made(ValueError("a"))});
    CHECK(is_exception<ExceptionGroup>(plain));
    CHECK(is_exception<std::exception>(plain));
    const auto mixed =
        make_exception_group("mixed", {made(ValueError("a")), made(KeyboardInterrupt())});
    CHECK(!is_exception<std::exception>(mixed));
    CHECK(is_exception<BaseExceptionGroup>(mixed));
    CHECK(is_exception<BaseException>(mixed));
    CHECK_EQ(type_name(mixed), "BaseExceptionGroup");
    CHECK_EQ(message_of(mixed), "mixed (2 sub-exceptions)");
}

TEST("split parts a group by type, and keeps the tree's shape in both parts") {
    const auto [values, rest] = tree().split<ValueError>();
    CHECK_EQ(shape(values), "outer[ValueError('a'), inner[ValueError('c')]]");
    CHECK_EQ(shape(rest), "outer[inner[KeyError('b')], EOFError('d')]");
}

TEST("split matches derived types, and gives nothing where a part is empty") {
    const auto [lookups, others] = tree().split<LookupError>();
    CHECK_EQ(shape(lookups), "outer[inner[KeyError('b')]]");
    CHECK_EQ(shape(others), "outer[ValueError('a'), inner[ValueError('c')], EOFError('d')]");
    const auto [all, none] = tree().split<Error>();
    CHECK_EQ(shape(all), shape(tree()));
    CHECK(!none);
    const auto [no, everything] = tree().split<TypeError>();
    CHECK(!no);
    CHECK_EQ(shape(everything), shape(tree()));
}

TEST("split by ExceptionGroup takes a nested group whole") {
    const auto [groups, rest] = tree().split<ExceptionGroup>();
    CHECK_EQ(shape(groups), "outer[inner[KeyError('b'), ValueError('c')]]");
    CHECK_EQ(shape(rest), "outer[ValueError('a'), EOFError('d')]");
}

TEST("subgroup is the first part of split") {
    CHECK_EQ(shape(tree().subgroup<KeyError>()), "outer[inner[KeyError('b')]]");
    CHECK(!tree().subgroup<IndexError>());
}

TEST(
    "handle calls the handler for each member of the type, at any depth, and gives back the rest") {
    std::vector<std::string> handled;
    const auto rest = tree().handle<ValueError>(
        [&handled](const ValueError& error) { handled.emplace_back(error.what()); });
    CHECK_EQ(handled, std::vector<std::string>{"a", "c"});
    CHECK_EQ(shape(rest), "outer[inner[KeyError('b')], EOFError('d')]");
    const auto nothing = tree().handle<std::exception>([](const std::exception&) {});
    CHECK(!nothing);
}

TEST("handlers in a row take a group apart, as except* clauses do") {
    std::string log;
    std::optional<ExceptionGroup> left = tree();
    left = left->handle<KeyError>([&log](const KeyError& e) { log += e.what(); });
    REQUIRE(left.has_value());
    left = left->handle<ValueError>([&log](const ValueError& e) { log += e.what(); });
    REQUIRE(left.has_value());
    CHECK_EQ(log, "bac");
    CHECK_EQ(shape(left), "outer[EOFError('d')]");
}

TEST("what a handler throws leaves handle") {
    CHECK_THROWS_AS(tree().handle<KeyError>([](const KeyError&) { throw TypeError("inside"); }),
                    TypeError);
}

TEST("a group is cheap to copy: copies show the same exceptions") {
    const auto group = tree();
    const auto copy = group;
    CHECK(copy.exceptions().data() == group.exceptions().data());
}
