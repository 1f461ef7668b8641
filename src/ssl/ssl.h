// SPDX-License-Identifier: MIT
// The face of ssl: one include for everything.
#pragma once

#include "ssl/context.h"    // SSLContext, create_default_context
#include "ssl/errors.h"     // SSLError and its family
#include "ssl/extra_info.h" // extra::peercert, extra::cipher
#include "ssl/memory_bio.h" // MemoryBIO
#include "ssl/object.h"     // SSLObject, SSLSession
