// SPDX-License-Identifier: MIT
// Names as the source has them, from what g++ and clang write.
#include "asyncio/format_helpers.h"

#include "asyncio/testing/testing.h"

using asyncio::detail::name_in_signature;
using namespace asyncio;

namespace {

struct Case {
    const char* name;
    const char* signature;
};

constexpr Case signatures_of_gcc[] = {
    {"work", "asyncio::Coro<void> work(int, std::string)"},
    {"work", "void work(work(int, std::string)::_Z4workiNSt7__cxx11.Frame*)"},
    {"with_map", "asyncio::Coro<std::map<int, void (*)(int)> > ns::with_map(void (*)(int))"},
    {"templ", "asyncio::Coro<T> templ(T) [with T = std::__cxx11::basic_string<char>]"},
    {"deep", "asyncio::Coro<void> one::two::deep()"},
    {"hidden", "asyncio::Coro<void> {anonymous}::hidden()"},
    {"Server::handle", "asyncio::Coro<void> one::Server::handle(int) const"},
    {"snake::handle", "asyncio::Coro<void> one::snake::handle(int) const"},
    {"snake::make", "static asyncio::Coro<void> one::snake::make()"},
    {"Server::each", "asyncio::Coro<void> Server::each(F) [with F = main()::<lambda(int)>]"},
    {"Server::Inner::go", "asyncio::Coro<void> one::Server::Inner::go() &&"},
    {"snake::operator()", "asyncio::Coro<void> one::snake::operator()(int)"},
    {"Server::operator<<", "asyncio::Coro<void> Server::operator<<(int)"},
    {"Server::operator->", "void Server::operator->(Server::operator->()::_ZN6.Frame*)"},
    {"Box::get", "void one::Box<std::map<int, int> >::get(one::Box<int>::get()::_ZN3.Frame*)"},
    {"main_.<lambda>", "one::main_()::<lambda(int)>"},
    {"main_.<lambda>", "void main_(main_()::_Z5main_v.Frame*)::<lambda(auto:4)>::operator()(main_"
                       "(main_()::_Z5main_v.Frame*)::<lambda(auto:4)>::_ZZ5.Frame*)"},
    {"main_.<lambda>.<lambda>", "main_()::<lambda(int)>::<lambda()>"},
    {"Box::get.<lambda>", "one::Box<int>::get()::<lambda(std::function<void(int)>)>"},
    {"<lambda>", "one::<lambda(int)>"},
    {"main", "int main()"},
};

constexpr Case signatures_of_clang[] = {
    {"work", "Coro<> work(int, std::string)"},
    {"hidden", "Coro<> one::(anonymous namespace)::hidden()"},
    {"templ", "Coro<T> templ(T (&)[N]) [T = int, N = 3]"},
    {"Server::each", "Coro<> one::Server::each(F) [F = (lambda at names.cpp:55:111)]"},
    {"Box::get", "Coro<T> one::Box<std::map<int, std::basic_string<char>>>::get(T) [T = int]"},
    {"main_.<lambda>", "auto one::main_()::(anonymous class)::operator()(int) const"},
    {"main_.<lambda>.<lambda>",
     "auto main_()::(anonymous class)::operator()(int)::(anonymous class)::operator()() const"},
    {"<lambda>", "auto (anonymous class)::operator()(int) const"},
    {"snake::operator()", "Coro<> one::snake::operator()(int)"},
};

constexpr Case demangled_types[] = {
    {"bad_callback", "bad_callback"},
    {"bad_callback", "one::(anonymous namespace)::bad_callback"},
    {"box", "one::box<std::map<int, int, std::less<int> > >"},
    {"main.<lambda>", "main::{lambda(int)#2}"},
    {"Server::run.<lambda>", "one::Server::run(int) const::{lambda()#1}"},
    {"templ.<lambda>", "void templ<int>(int)::{lambda()#1}"},
    {"callback.<lambda>", "one::callback::{lambda(int)#1}"},
    {"main.<lambda>", "main::$_1"},
    {"<lambda>", "one::$_4"},
};

struct function_object {
    void operator()() const {}
};

} // namespace

TEST("name_in_signature: reads what g++ writes") {
    for (const Case& one : signatures_of_gcc) CHECK_EQ(name_in_signature(one.signature), one.name);
}

TEST("name_in_signature: reads what clang writes") {
    for (const Case& one : signatures_of_clang)
        CHECK_EQ(name_in_signature(one.signature), one.name);
}

TEST("name_in_signature: reads the names of types") {
    for (const Case& one : demangled_types) CHECK_EQ(name_in_signature(one.signature), one.name);
}

TEST("name_in_signature: text that is cut anywhere is read without harm") {
    const std::string_view whole = signatures_of_gcc[16].signature;
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        CHECK(name_in_signature(whole.substr(0, length)).size() <= whole.size());
    }
    CHECK_EQ(name_in_signature(""), "");
}

TEST("callable_name: a function object by its class, a pointer as function, a lambda by its home") {
    CHECK_EQ(detail::callable_name(typeid(function_object)), "function_object");
    CHECK_EQ(detail::callable_name(typeid(void (*)(int))), "function");
    CHECK_EQ(detail::callable_name(typeid(std::reference_wrapper<function_object>)),
             "function_object");
    const auto lambda = [] {};
    CHECK(detail::callable_name(typeid(lambda)).ends_with(".<lambda>"));
}

TEST("function_name: the compiler at hand is understood") {
    const auto name = [](std::source_location where = std::source_location::current()) {
        return detail::function_name(where);
    };
    CHECK(name().starts_with("asyncio_case_"));
}
