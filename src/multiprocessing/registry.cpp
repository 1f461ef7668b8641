// SPDX-License-Identifier: MIT
// The names, as they were given before main() began; nothing changes them later.
#include "multiprocessing/registry.h"

#include <map>

namespace multiprocessing {

namespace {

struct Known {
    void (*function)();
    detail::Runner run;
};

struct Names {
    std::map<std::string, Known, std::less<>> functions;
    std::map<void (*)(), const std::string*> by_function;
    std::map<std::string, detail::ExceptionType, std::less<>> exceptions;
    std::string taken; // the first name that was given twice
};

Names& names() {
    static Names all; // made by the first who needs it: the order of initializers is nobody's
    return all;
}

std::string not_known(std::string_view name) {
    Packer reply;
    const PicklingError error("no function is registered as '" + std::string(name) +
                              "' in the worker");
    reply.add(static_cast<unsigned char>(detail::Part::error),
              pack_exception(std::make_exception_ptr(error)));
    return std::move(reply).take();
}

} // namespace

namespace detail {

void register_function(std::string name, void (*function)(), Runner run) {
    Names& all = names();
    const auto [at, added] = all.functions.try_emplace(std::move(name), Known{function, run});
    if (!added && at->second.function != function && all.taken.empty()) all.taken = at->first;
    all.by_function.try_emplace(function, &at->first);
}

void register_exception(std::string name, ExceptionType type) {
    Names& all = names();
    const auto [at, added] = all.exceptions.try_emplace(std::move(name), type);
    if (!added && *at->second.type != *type.type && all.taken.empty()) all.taken = at->first;
}

} // namespace detail

const std::string* name_of(void (*function)()) noexcept {
    const auto found = names().by_function.find(function);
    return found == names().by_function.end() ? nullptr : found->second;
}

std::string run_registered(std::string_view name, std::string_view calls) {
    const auto found = names().functions.find(name);
    if (found == names().functions.end()) return not_known(name);
    return found->second.run(found->second.function, calls);
}

void check_names() {
    if (names().taken.empty()) return;
    throw asyncio::RuntimeError("two are registered as '" + names().taken + "'");
}

const std::pair<const std::string, detail::ExceptionType>*
exception_type_of(const std::type_info& type) noexcept {
    for (const auto& entry : names().exceptions) {
        if (*entry.second.type == type) return &entry;
    }
    return nullptr;
}

const detail::ExceptionType* exception_type_named(std::string_view name) noexcept {
    const auto found = names().exceptions.find(name);
    return found == names().exceptions.end() ? nullptr : &found->second;
}

} // namespace multiprocessing
