// SPDX-License-Identifier: MIT
// Datagrams in memory: as over UDP, and late, lost, doubled and overtaken at no cost of time.
#include "asyncio/testing/memory_datagrams.h"

#include "asyncio/base_events.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/sweep.h"
#include "asyncio/timeouts.h"
#include "support/datagrams.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::DatagramRecorder;
using testing::DatagramWeather;
using testing::MemoryDatagrams;
using Texts = std::vector<std::string>;

namespace {

Address at_port(std::uint16_t port) { return *Address::from_literal("10.0.0.1", port); }

/// Two ends, of which the client has the server as its peer.
struct Pair {
    explicit Pair(const DatagramWeather& weather = DatagramWeather()) : network(weather) {}
    ~Pair() { server->transport = client->transport = TransportRef(); }

    MemoryDatagrams network;
    std::shared_ptr<DatagramRecorder> server = std::make_shared<DatagramRecorder>();
    std::shared_ptr<DatagramRecorder> client = std::make_shared<DatagramRecorder>();
    TransportRef server_end = network.endpoint(server, at_port(1));
    TransportRef client_end = network.endpoint(client, at_port(2), at_port(1));
};

/// What arrives in this weather of numbers that are sent in their order.
Coro<Texts> arrivals(DatagramWeather weather, int count) {
    Pair pair(weather);
    for (int i = 0; i < count; ++i) pair.client_end->sendto(std::to_string(i));
    co_await sleep(100s);
    co_return pair.server->received;
}

Texts sorted(Texts texts) {
    std::sort(texts.begin(), texts.end());
    return texts;
}

} // namespace

CO_TEST("memory datagrams: they come whole, in their order, also empty ones, with their sender") {
    Pair pair;
    pair.client_end->sendto("hello");
    pair.client_end->sendto("");
    co_await sleep(1s);
    CHECK_EQ(pair.server->received, (Texts{"hello", ""}));
    CHECK(pair.server->senders.at(0) == at_port(2));
    pair.server_end->sendto("back", at_port(2));
    co_await sleep(1s);
    CHECK_EQ(pair.client->received, Texts{"back"});
    CHECK(pair.client_end->get_extra_info(extra::peername) == at_port(1));
    CHECK(pair.server_end->get_extra_info(extra::sockname) == at_port(1));
    CHECK(!pair.server_end->get_extra_info(extra::peername));
    pair.client_end->close();
    co_await pair.client->lost.wait();
    CHECK_EQ(pair.client->calls, (Texts{"made", "lost"}));
}

CO_TEST("memory datagrams: they take their time, on the loop's clock") {
    Pair pair(DatagramWeather().latency(2h));
    const TimePoint sent = testing::loop().time();
    pair.client_end->sendto("slow");
    co_await pair.server->arrived.wait();
    CHECK(testing::loop().time() == sent + Duration(2h));
}

CO_TEST("memory datagrams: what is lost, doubled and overtaken depends on the seed alone") {
    const auto weather = DatagramWeather().latency(1s).jitter(1s).loss(0.3).doubling(0.2);
    const Texts first = co_await arrivals(weather, 1000);
    CHECK(co_await arrivals(weather, 1000) == first);
    auto other = weather;
    CHECK(co_await arrivals(other.seed(2), 1000) != first);
    Texts once = sorted(first);
    CHECK(once != first); // some have overtaken others
    const std::size_t all = once.size();
    once.erase(std::unique(once.begin(), once.end()), once.end());
    CHECK(once.size() > 600 && once.size() < 800);
    CHECK(all - once.size() > 80 && all - once.size() < 200);
    CHECK_EQ((co_await arrivals(DatagramWeather().loss(1), 10)).size(), std::size_t{0});
    CHECK_EQ((co_await arrivals(DatagramWeather().doubling(1), 10)).size(), std::size_t{20});
}

CO_TEST("memory datagrams: the weather changes") {
    Pair pair(DatagramWeather().loss(1));
    pair.client_end->sendto("lost");
    pair.network.change(DatagramWeather());
    pair.client_end->sendto("there");
    co_await sleep(1s);
    CHECK_EQ(pair.server->received, Texts{"there"});
    CHECK_THROWS_AS(pair.network.change(DatagramWeather().loss(2)), ValueError);
    CHECK_THROWS_AS(MemoryDatagrams(DatagramWeather().doubling(-0.1)), ValueError);
}

CO_TEST("memory datagrams: where nobody is, who has a peer is refused, and others are not told") {
    Pair pair;
    pair.server_end->close();
    co_await pair.server->lost.wait();
    pair.client_end->sendto("anybody?");
    co_await pair.client->arrived.wait();
    CHECK(is_exception<ConnectionRefusedError>(pair.client->errors.at(0)));
    const auto stranger = std::make_shared<DatagramRecorder>();
    const TransportRef end = pair.network.endpoint(stranger, at_port(3));
    end->sendto("anybody?", at_port(1));
    co_await sleep(1s);
    CHECK(stranger->errors.empty());
    stranger->transport = TransportRef();
}

CO_TEST("memory datagrams: who has a peer hears nobody else, and sends to nobody else") {
    Pair pair;
    const auto stranger = std::make_shared<DatagramRecorder>();
    const TransportRef end = pair.network.endpoint(stranger, at_port(3));
    end->sendto("psst", at_port(2));
    co_await sleep(1s);
    CHECK(pair.client->received.empty());
    CHECK_THROWS_AS(pair.client_end->sendto("x", at_port(3)), ValueError);
    CHECK_THROWS_AS(end->sendto("whom?"), ValueError);
    CHECK_THROWS_AS(pair.network.endpoint(stranger, at_port(1)), OSError); // in use
    CHECK_THROWS_AS(pair.network.endpoint(nullptr, at_port(4)), TypeError);
    stranger->transport = TransportRef();
}

CO_TEST("memory datagrams: one that is too large is EMSGSIZE, and the endpoint goes on") {
    Pair pair;
    pair.client_end->sendto(std::string(MemoryDatagrams::datagram_bytes_max + 1, 'x'));
    CHECK_EQ(pair.client->errors.size(), std::size_t{1});
    pair.client_end->sendto(std::string(MemoryDatagrams::datagram_bytes_max, 'x'));
    co_await pair.server->arrived.wait();
    CHECK_EQ(pair.server->received.at(0).size(), MemoryDatagrams::datagram_bytes_max);
}

CO_TEST("memory datagrams: while reading is paused some are kept, and no more than a kernel's") {
    Pair pair;
    co_await yield_now();
    pair.server_end->pause_reading();
    for (int i = 0; i < 5; ++i) pair.client_end->sendto(std::string(60'000, 'x'));
    co_await sleep(1s);
    CHECK(pair.server->received.empty());
    pair.server_end->resume_reading();
    co_await sleep(1s);
    CHECK_EQ(pair.server->received.size(), MemoryDatagrams::inbox_bytes / 60'000);
}

CO_TEST("memory datagrams: what is under way when the network goes is lost, the ends are told") {
    const auto recorder = std::make_shared<DatagramRecorder>();
    {
        MemoryDatagrams network(DatagramWeather().latency(1s));
        const TransportRef end = network.endpoint(recorder, at_port(1));
        end->sendto("to myself", at_port(1));
        co_await yield_now();
    }
    co_await recorder->lost.wait();
    recorder->transport = TransportRef();
    co_await sleep(10s);
    CHECK(recorder->received.empty());
}

CO_TEST("memory datagrams: a task asks again until an answer comes through the storm") {
    MemoryDatagrams network(DatagramWeather().latency(50ms).jitter(50ms).loss(0.5));
    const DatagramSocket server = network.socket(at_port(1));
    const DatagramSocket client = network.socket(at_port(2), at_port(1));
    const auto answering = create_task([](DatagramSocket socket) -> Coro<> {
        while (true) {
            const Datagram got = co_await socket.recvfrom();
            co_await socket.sendto("answer to " + got.data, got.from);
        }
    }(server));
    for (int i = 0; i < 20; ++i) {
        const std::string question = std::to_string(i);
        std::string answer;
        while (answer != "answer to " + question) {
            co_await client.sendto(question);
            const auto got = co_await outcome(timeout(300ms, client.recvfrom()));
            if (got.has_value()) answer = got.value().data;
        }
    }
    answering.cancel();
    CHECK((co_await outcome(answering)).cancelled());
}

CO_SWEEP("DatagramSocket.recvfrom over memory under the sweep: nothing is lost") {
    MemoryDatagrams network(DatagramWeather().latency(1s));
    const DatagramSocket server = network.socket(at_port(1));
    const DatagramSocket client = network.socket(at_port(2), at_port(1));
    co_await client.sendto("one");
    const auto victim = sweep.victim(server.recvfrom());
    const auto end = co_await outcome(victim);
    CHECK(sweep.accounts_for(end));
    if (!end.has_value()) CHECK_EQ((co_await server.recvfrom()).data, "one");
    co_await client.sendto("two");
    CHECK_EQ((co_await server.recvfrom()).data, "two");
}
