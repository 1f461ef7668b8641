// SPDX-License-Identifier: MIT
// Transports and protocols over TCP: the order of calls, reading, writing, the end.
#include "asyncio/connections.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"

#include <memory>
#include <string>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

class Echo : public Protocol {
public:
    void connection_made(Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }

private:
    Transport* transport_ = nullptr;
};

class Client : public Protocol {
public:
    void connection_made(Transport& transport) override { transport.write("hello"); }
    void data_received(std::string_view data) override {
        received += data;
        if (received == "hello") got.set();
    }
    void connection_lost(std::exception_ptr error) override {
        lost_with = repr(error);
        lost.set();
    }

    std::string received;
    std::string lost_with = "not lost";
    Event got;
    Event lost;
};

} // namespace

CO_TEST("a client and a server of protocols exchange bytes, and the end arrives at both") {
    EventLoop& loop = testing::loop();
    Server server =
        co_await loop.create_server([] { return std::make_shared<Echo>(); }, "127.0.0.1", 0);
    const Address address = server.sockets()[0].getsockname();
    auto made = co_await loop.create_connection([] { return std::make_shared<Client>(); },
                                                "127.0.0.1", address.port());
    co_await made.protocol->got.wait();
    CHECK_EQ(made.protocol->received, "hello");
    made.transport->close();
    co_await made.protocol->lost.wait();
    server.close();
    co_await server.wait_closed();
}
