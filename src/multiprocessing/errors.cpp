// SPDX-License-Identifier: MIT
// The text of what has no type here.
#include "multiprocessing/errors.h"

namespace multiprocessing {

RemoteError::RemoteError(const std::string& type_name, const std::string& text)
    : RuntimeError(text.empty() ? type_name : type_name + ": " + text), type_name_(type_name) {}

} // namespace multiprocessing
