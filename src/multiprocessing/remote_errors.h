// SPDX-License-Identifier: MIT
// The exceptions that come through with their types: Python's tree, and the standard library's.
#pragma once

#include "multiprocessing/registry.h"

namespace multiprocessing {

/// The known type that `type` is exactly, or null; with its name.
struct KnownException {
    const char* name;
    detail::ExceptionType type;
};
const KnownException* known_exception(const std::type_info& type) noexcept;
const KnownException* known_exception(std::string_view name) noexcept;

} // namespace multiprocessing
