// SPDX-License-Identifier: MIT
// Answers that pile up: in the kernel first, then in the transport, then in the member's queue.
#include "programs/achat/sleeper.h"

namespace achat {

using namespace std::chrono_literals;
using asyncio::Coro;

namespace {

Coro<> ask_on(asyncio::StreamWriter writer) {
    std::string questions;
    for (int i = 0; i < 64; ++i) questions += "/help\n";
    while (!writer.is_closing()) {
        writer.write(questions);
        co_await writer.drain();
        co_await asyncio::sleep(10ms);
    }
}

} // namespace

Coro<> never_read(std::string host, asyncio::Port port, std::string room) {
    auto [reader, writer] = co_await asyncio::open_connection(host, port);
    writer.transport().pause_reading();
    writer.write("/nick sleeper\n/join " + room + "\n");
    const asyncio::TransportRef transport(writer.transport());
    const auto hang_up = [&transport] { transport->abort(); };
    try {
        co_await asyncio::finally_(ask_on(writer), hang_up);
    } catch (const asyncio::ConnectionError&) { // it was let go
    }
}

} // namespace achat
