// SPDX-License-Identifier: MIT
// Descriptors: how many this process may have.
#pragma once

#include <cstddef>

namespace achat {

/// Sees to it that this process may have so many descriptors open at a time: raises its own limit,
/// up to the one that it cannot raise.
///
/// Throws    OSError: that one is lower; it says what to do.
void allow_descriptors(std::size_t count);

} // namespace achat
