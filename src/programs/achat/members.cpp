// SPDX-License-Identifier: MIT
// How a member takes lines in, and how it is told goodbye.
#include "programs/achat/members.h"

namespace achat {

bool Member::take(Line line) { return is_leaving() || waiting.try_put(std::move(line)); }

void Member::part(Line farewell) {
    if (is_leaving()) return;
    if (!waiting.try_put(farewell)) return cut(farewell);
    waiting.shutdown();
}

void Member::cut(const Line& farewell) {
    waiting.shutdown(asyncio::Shutdown::immediate);
    writer_.write(*farewell);
    writer_.close();
    const auto abort = [transport = asyncio::TransportRef(writer_.transport())] {
        transport->abort();
    };
    last_chance_ = asyncio::get_running_loop().call_later(grace_, abort);
}

} // namespace achat
