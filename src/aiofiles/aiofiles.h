// SPDX-License-Identifier: MIT
// The face of aiofiles: one include for everything.
#pragma once

#include "aiofiles/open.h"     // open, AsyncFile
#include "aiofiles/os.h"       // os::stat, os::path::exists, ...
#include "aiofiles/stdio.h"    // stdin_, stdout_, stderr_
#include "aiofiles/tempfile.h" // tempfile::NamedTemporaryFile, ...
