// SPDX-License-Identifier: MIT
// One context variable that holds all of the values.
#include "logging/context.h"

#include <algorithm>

namespace logging {

namespace {

asyncio::ContextVar<ContextValues>& variable() {
    static auto* const values = new asyncio::ContextVar<ContextValues>("logging.context", {});
    return *values; // never destroyed: lines are logged until the very end
}

// Made before main: a fork while another thread is in the first use would leave the child a
// guard that nobody opens.
[[maybe_unused]] const auto& variable_from_the_start = variable();

ContextValues with(const std::string& name, std::string value) {
    ContextValues values = variable().get();
    const auto known = std::find_if(values.begin(), values.end(),
                                    [&name](const auto& entry) { return entry.first == name; });
    if (known != values.end()) {
        known->second = std::move(value);
    } else {
        values.emplace_back(name, std::move(value));
    }
    return values;
}

} // namespace

ContextScope::ContextScope(const std::string& name, std::string value)
    : before_(variable().set(with(name, std::move(value)))) {}

ContextScope::~ContextScope() { variable().reset(before_); }

ContextValues context_values() { return variable().get(); }

} // namespace logging
