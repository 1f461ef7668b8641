// SPDX-License-Identifier: MIT
// Commands: what a line of a client means, and does.
#pragma once

#include "programs/achat/hub.h"

#include <string_view>

namespace achat {

/// Does what `line` asks for: says it in the room, or obeys a command, or tells what is wrong.
///
/// line      as it came, with or without its end
void obey(Hub& hub, Member& member, std::string_view line);

} // namespace achat
