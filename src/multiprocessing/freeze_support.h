// SPDX-License-Identifier: MIT
// Where a worker begins: what main() calls before anything else.
#pragma once

#include <string>

namespace multiprocessing {

/// Makes this program one that can have workers. Call it first in main():
///
///     int main() {
///         multiprocessing::freeze_support();
///         asyncio::run(main_());
///     }
///
/// A worker is this program, executed again. There, this call does the worker's work and never
/// returns: it ends the process by exit(0) when its pool has no more for it, or is gone. In the
/// program itself it returns at once; a pool cannot be made without it.
///
/// Throws    RuntimeError: two functions are registered by one name.
/// Cost      in the program itself: reads /proc/self/cmdline.
/// Source    CPython multiprocessing.freeze_support.  Differs: every program that has pools needs
///           it, frozen or not.
void freeze_support();

// ---- the library's own use ----------------------------------------------------------------------

/// Throws    RuntimeError: this process has not called freeze_support(), so its workers would not.
void require_freeze_support();
/// The words that a worker is started with behind the program's name.
inline constexpr char worker_mark[] = "--multiprocessing-fork";

} // namespace multiprocessing
