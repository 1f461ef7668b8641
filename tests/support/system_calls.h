// SPDX-License-Identifier: MIT
// Puts the table of system calls back after a case that has replaced some of them.
#pragma once

#include "os/system_calls.h"

namespace support {

struct KeepSystemCalls {
    KeepSystemCalls() = default;
    KeepSystemCalls(const KeepSystemCalls&) = delete;
    KeepSystemCalls& operator=(const KeepSystemCalls&) = delete;
    ~KeepSystemCalls() { asyncio::os::system_calls = before; }

    const asyncio::os::SystemCalls before = asyncio::os::system_calls;
};

} // namespace support
