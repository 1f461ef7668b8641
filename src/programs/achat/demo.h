// SPDX-License-Identifier: MIT
// Demo: the chat server and a thousand clients of it, in one process and one thread.
#pragma once

#include "programs/achat/call_meter.h"
#include "programs/achat/load.h"
#include "programs/terminal/console.h"

namespace achat {

/// Starts the server, has the clients talk, ends all in order, and says what it has shown.
///
/// Returns   is all well? What is not was said.
/// Throws    OSError: no server, no connections.
/// Cancel    the clients stop to talk; the rest goes its way, with what was said until then.
asyncio::Coro<bool> demo(terminal::Console& console, const CallMeter& meter, LoadPlan plan);

/// The server alone, until it is cancelled.
///
/// Throws    OSError: the address cannot be bound.
/// Cancel    ends it in order: who is there is told goodbye.
asyncio::Coro<> serve(terminal::Console& console, std::string host, asyncio::Port port);

} // namespace achat
