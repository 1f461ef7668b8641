// SPDX-License-Identifier: MIT
// Sleeper: a client that asks and never reads, to see that nobody else is the worse for it.
#pragma once

#include "asyncio/asyncio.h"

#include <string>

namespace achat {

/// Joins `room`, asks for help again and again, and reads nothing, until the server lets it go.
///
/// Throws    OSError: it cannot connect.
/// Cancel    the connection is aborted.
asyncio::Coro<> never_read(std::string host, asyncio::Port port, std::string room);

} // namespace achat
