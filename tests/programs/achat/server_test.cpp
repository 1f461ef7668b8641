// SPDX-License-Identifier: MIT
// The server on real sockets: the load, netcat, CPython's asyncio, and a client that never reads.
#include "programs/achat/server.h"

#include "asyncio/testing/testing.h"
#include "programs/achat/call_meter.h"
#include "programs/achat/report.h"
#include "support/programs.h"

#include <string>

using namespace asyncio;
using namespace std::chrono_literals;
using achat::Hub;
using support::Program;

namespace {

struct Chat {
    std::shared_ptr<Hub> hub = std::make_shared<Hub>();
    Server server;
    std::uint16_t port = server.sockets()[0].getsockname().port();
};

Coro<Chat> start() {
    auto hub = std::make_shared<Hub>();
    Server server = co_await achat::start_chat(hub, "127.0.0.1", 0);
    Chat chat{std::move(hub), std::move(server)};
    co_return chat;
}

// What a program prints, up to `end`.
Coro<std::string> output_up_to(const Program& program, std::string end) {
    std::string all;
    while (all.find(end) == std::string::npos) {
        co_await testing::loop().readable(program.output());
        const std::string some = program.some();
        if (some.empty()) break;
        all += some;
    }
    co_return all;
}

// Two talk, the third comes later and asks for the history; each checks what it hears.
constexpr const char* python_clients = R"(
import asyncio, sys
async def come(name):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    writer.write(f"/nick {name}\n/join python\n".encode())
    while not (await reader.readline()).startswith(b"* you are in python"):
        pass
    return reader, writer
async def said(reader, count):
    lines = []
    while len(lines) < count:
        line = (await reader.readline()).decode()
        assert line, lines
        if line.startswith("<"):
            lines.append(line)
    return lines
async def goodbye(reader):
    while (line := await reader.readline()) != b"* goodbye: the end\n":
        assert line.startswith(b"* "), line
    assert await reader.read() == b""
async def main():
    one, to_one = await come("one")
    two, to_two = await come("two")
    for n in range(40):
        to_one.write(f"{n} from one\n".encode())
        to_two.write(f"{n} from \u4e8c\n".encode())
    heard = await said(one, 80)
    assert heard == await said(two, 80)
    for name, text in ("one", "one"), ("two", "\u4e8c"):
        mine = [line for line in heard if line.startswith(f"<{name}>")]
        assert mine == [f"<{name}> {n} from {text}\n" for n in range(40)], mine
    late, to_late = await come("late")
    to_late.write(b"/history\n/quit\n")
    lines = (await late.read()).decode().splitlines()
    assert len([line for line in lines if line.startswith("<")]) == 50, lines
    assert lines[-1] == "* goodbye: quit", lines
    print("ready", flush=True)
    await goodbye(one)
    await goodbye(two)
    print("ok", flush=True)
asyncio.run(main())
)";

} // namespace

CO_TEST_REAL_TIME("server: nothing that fifty clients say is lost, and all hear the goodbye") {
    const Chat chat = co_await start();
    achat::LoadPlan plan;
    plan.clients = 50;
    plan.messages_per_second = 500;
    plan.time = 300ms;
    achat::Load load(plan);
    co_await load.connect("127.0.0.1", chat.port);
    co_await load.talk();
    co_await load.settle(10s);
    co_await achat::end_chat(chat.hub, chat.server, "the end");
    co_await load.see_goodbye(10s);
    CHECK_EQ(load.ledger().messages(), 150U);
    CHECK_EQ(load.ledger().delivered(), 150U * 25);
    CHECK_EQ(load.goodbyes(), 50U);
    CHECK_EQ(achat::faults_text(load, chat.hub->counts(), 0), "");
    CHECK_EQ(chat.hub->counts().deliveries, load.ledger().delivered());
}

CO_TEST_REAL_TIME("server: a person at netcat talks, reads, and is let go") {
    const Chat chat = co_await start();
    const std::string command = "printf '/nick ada\\nhello\\n/who\\n/dance\\n' | nc -N 127.0.0.1 " +
                                std::to_string(chat.port);
    const Program netcat(std::vector<std::string>{"sh", "-c", command});
    CHECK_EQ(co_await output_up_to(netcat, "goodbye: end of input\n"),
             "* welcome, guest-1; /help says what you can do\n* you are in lobby\n"
             "* guest-1 is ada now\n<ada> hello\n* in lobby: ada\n"
             "! there is no command /dance; /help names them\n* goodbye: end of input\n");
    co_await achat::end_chat(chat.hub, chat.server, "the end");
}

CO_TEST_REAL_TIME(
    "server: CPython's clients hear each other in order, and the goodbye at the end") {
    const Chat chat = co_await start();
    const Program clients(support::python(python_clients, std::to_string(chat.port)));
    CHECK_EQ(co_await output_up_to(clients, "ready\n"), "ready\n");
    co_await achat::end_chat(chat.hub, chat.server, "the end");
    CHECK_EQ(co_await output_up_to(clients, "ok\n"), "ok\n");
}
