// SPDX-License-Identifier: MIT
// Protocols: an echo server below the streams, where bytes are seen as they come.
#include <asyncio/asyncio.h>

#include <cstdio>

class Echo : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }
    // Whoever does not read what it is sent is not read from, either.
    void pause_writing() override { transport_->pause_reading(); }
    void resume_writing() override { transport_->resume_reading(); }

private:
    asyncio::Transport* transport_ = nullptr; // LIFETIME: until connection_lost
};

class Greeter : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport.write("hello"); }
    void data_received(std::string_view data) override {
        std::printf("echoed: %.*s\n", static_cast<int>(data.size()), data.data());
        answered.set();
    }
    asyncio::Event answered;
};

asyncio::Coro<> main_() {
    asyncio::EventLoop& loop = asyncio::get_running_loop();
    auto server =
        co_await loop.create_server([] { return std::make_shared<Echo>(); }, "127.0.0.1", 0);
    auto made =
        co_await loop.create_connection([] { return std::make_shared<Greeter>(); }, "127.0.0.1",
                                        server.sockets()[0].getsockname().port());
    co_await made.protocol->answered.wait();
    made.transport->close();
    server.close();
    co_await server.wait_closed();
}

int main() { asyncio::run(main_()); }
