// SPDX-License-Identifier: MIT
// Programs with pools that the cases of freeze_support_test.cpp start, and end.
#pragma once

#include <optional>

namespace roles {

/// Plays a role that does without freeze_support(), or comes before it.
/// Returns   the exit code of the program; nothing: main() goes on.
std::optional<int> before_freeze_support(int argc);
/// Plays a role of a program that has called it.
std::optional<int> after_freeze_support();

} // namespace roles
