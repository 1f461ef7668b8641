// SPDX-License-Identifier: MIT
// Values that go along with every line of a task: a request's number, a user's name.
#pragma once

#include "asyncio/contextvars.h"

#include <string>
#include <utility>
#include <vector>

namespace logging {

/// Names and values, in the order in which they were set.
using ContextValues = std::vector<std::pair<std::string, std::string>>;

/// While it lives, each line of the current context (of the task, and of those it creates) has the
/// value. Scopes nest; an inner one hides an outer one of the same name.
///
/// Lifetime  a local of the function or coroutine that it is for.
class ContextScope {
public:
    ContextScope(const std::string& name, std::string value);
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;
    ~ContextScope();

private:
    asyncio::Token<ContextValues> before_;
};

/// The values of the current context.
ContextValues context_values();

} // namespace logging
