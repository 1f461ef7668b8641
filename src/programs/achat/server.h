// SPDX-License-Identifier: MIT
// Server: the hub on the network, two small tasks for each connection.
#pragma once

#include "programs/achat/hub.h"

#include <memory>
#include <string>

namespace achat {

/// Has a chat with one client, to its end.
///
/// Cancel    the member is taken out, the connection aborted.
asyncio::Coro<> attend(std::shared_ptr<Hub> hub, asyncio::StreamReader reader,
                       asyncio::StreamWriter writer);

/// Listens, and attends to each who comes.
///
/// Throws    OSError: the address cannot be bound.
/// Cancel    nothing listens.
asyncio::Coro<asyncio::Server> start_chat(std::shared_ptr<Hub> hub, std::string host,
                                          asyncio::Port port);

/// Ends it in order: nobody new, a goodbye to all behind what waits for them, and the end of each
/// connection when the client closes it, at the latest when the grace is over.
///
/// What was said until then is heard by all, before the goodbye. Who has not heard himself what he
/// said, came too late with it.
///
/// Cancel    what is left of the connections is aborted.
asyncio::Coro<> end_chat(std::shared_ptr<Hub> hub, asyncio::Server server, std::string why);

} // namespace achat
