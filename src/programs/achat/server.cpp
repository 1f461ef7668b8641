// SPDX-License-Identifier: MIT
// From a connection to a member and back. Begin to read at attend(): it is one client's visit.
#include "programs/achat/server.h"

#include "programs/achat/commands.h"
#include "programs/achat/pace.h"

#include <ranges>
#include <sys/socket.h>

namespace achat {

using namespace std::chrono_literals;
using asyncio::Coro;
using asyncio::Server;
using asyncio::StreamReader;
using asyncio::StreamWriter;
using asyncio::Task;

namespace {

constexpr int backlog_connections = 1024;
// What the kernel keeps for one who does not read is bounded, too.
constexpr int send_buffer_bytes = 64 * 1024;

// One is in the hub as long as this lives, and the connection no longer.
class Presence {
public:
    Presence(Hub& hub, Member& member) : hub_(hub), member_(member) { hub_.enter(member_); }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence() {
        hub_.leave(member_, "connection lost");
        member_.waiting.shutdown(asyncio::Shutdown::immediate); // ends the task that sends
        member_.writer().transport().abort();                   // nothing if it is closed
    }

private:
    Hub& hub_;
    Member& member_;
};

// Sends what waits: all that has come together since the last time, in one piece.
void send_batch(Member& member, Line first) {
    if (member.waiting.empty()) return member.writer().write(*first);
    std::vector<Line> batch{std::move(first)};
    while (auto line = member.waiting.try_get()) batch.push_back(std::move(*line));
    member.writer().writelines(
        batch | std::views::transform([](const Line& line) { return std::string_view(*line); }));
}

// Ends when the queue is shut down and empty, or the client gone.
Coro<> send_lines(std::shared_ptr<Member> member) {
    try {
        while (auto line = co_await member->waiting.next()) {
            send_batch(*member, std::move(*line));
            co_await member->writer().drain(); // waits while the client does not read
        }
        member->writer().write_eof();
    } catch (const asyncio::OSError&) { // the task that reads sees it, too
    }
}

// Ends when the client does, or was told goodbye.
// LIFETIME: `hub` and `member` are attend()'s, which awaits this.
Coro<> hear_lines(Hub& hub, Member& member, StreamReader reader) {
    Pace pace(hub.limits().said_per_second_max, hub.limits().said_in_burst_max);
    while (auto line = co_await reader.next_line()) {
        if (!member.is_leaving()) obey(hub, member, *line);
        if (member.is_leaving()) break; // by /quit, or since others have ended it
        const auto delay = pace.delay(asyncio::get_running_loop().time());
        if (delay > 0ns) {
            co_await asyncio::sleep(delay);
        } else if (!reader.buffered().empty()) {
            co_await asyncio::yield_now(); // the others are to be sent what was said, meanwhile
        }
    }
}

// Sends the rest, and reads until the client closes, too: closed over bytes that nobody has read, a
// connection is reset, and the goodbye could be lost.
Coro<> take_leave(Task<> sending, StreamReader reader, StreamWriter writer) {
    constexpr std::ptrdiff_t piece_bytes = 4096;
    co_await sending;
    while (!(co_await reader.read(piece_bytes)).empty()) {
    }
    writer.close();
    co_await writer.wait_closed();
}

} // namespace

Coro<> attend(std::shared_ptr<Hub> hub, StreamReader reader, StreamWriter writer) {
    const auto member = std::make_shared<Member>(writer, hub->limits());
    const Presence presence(*hub, *member);
    const Task<> sending = asyncio::create_task(send_lines(member));
    try {
        const asyncio::Outcome<> end = co_await asyncio::outcome(hear_lines(*hub, *member, reader));
        if (asyncio::is_exception<asyncio::ValueError>(end.exception())) {
            hub->dismiss(*member, "a line without an end");
        } else {
            end.value(); // passes on what it ended with
            hub->dismiss(*member, "end of input");
        }
        co_await asyncio::wait_for(take_leave(sending, reader, writer), hub->limits().grace);
    } catch (const asyncio::OSError&) { // the client is gone, or does not take the rest in time
    }
}

Coro<Server> start_chat(std::shared_ptr<Hub> hub, std::string host, asyncio::Port port) {
    const auto attend_client = [hub](StreamReader reader, StreamWriter writer) {
        return attend(hub, std::move(reader), std::move(writer));
    };
    asyncio::ServerOptions options;
    options.backlog(backlog_connections).keep_alive(true).start_serving(false);
    Server server = co_await asyncio::start_server(attend_client, host, port, options);
    for (const auto& socket : server.sockets()) {
        socket.setsockopt(SOL_SOCKET, SO_SNDBUF, send_buffer_bytes); // connections inherit it
    }
    co_await server.start_serving();
    co_return server;
}

Coro<> end_chat(std::shared_ptr<Hub> hub, Server server, std::string why) {
    server.close();
    hub->dismiss_all(why);
    co_await server.shutdown(hub->limits().grace);
}

} // namespace achat
