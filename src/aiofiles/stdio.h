// SPDX-License-Identifier: MIT
// The standard streams as files. Their names end in _ because <cstdio> has macros of the others.
#pragma once

#include "aiofiles/files.h"

namespace aiofiles {

/// Input, output and error output as text, or as bytes. As long as a handle is alive, further calls
/// give handles of the same file; then what was read ahead is gone. close() leaves the descriptors
/// open. A terminal gets each line at once, the error output always.
///
/// Throws    std::bad_alloc.
/// Thread    the loop's own: what is read ahead and written behind belongs to a thread.
/// Source    aiofiles 23 aiofiles.stdin, stdout, stderr, stdin_bytes, stdout_bytes, stderr_bytes.
AsyncFile stdin_();
AsyncFile stdout_();
AsyncFile stderr_();
AsyncFile stdin_bytes();
AsyncFile stdout_bytes();
AsyncFile stderr_bytes();

} // namespace aiofiles
