// SPDX-License-Identifier: MIT
// Transports without a peer, and protocols that note what they are told.
#pragma once

#include "asyncio/exceptions.h"
#include "asyncio/locks.h"
#include "asyncio/transports.h"

#include <string>
#include <vector>

namespace support {

/// Notes what it is asked for; does nothing. Lives on the stack.
class QuietTransport : public asyncio::Transport {
public:
    void close() override { closing = true; }
    bool is_closing() const noexcept override { return closing; }
    void set_protocol(std::shared_ptr<asyncio::BaseProtocol> next) override {
        protocol = std::move(next);
    }
    const std::shared_ptr<asyncio::BaseProtocol>& get_protocol() const noexcept override {
        return protocol;
    }
    bool is_reading() const override { return reading; }
    void pause_reading() override { reading = false; }
    void resume_reading() override { reading = true; }
    void write(std::string_view data) override { written += data; }
    std::string text() const override { return "<QuietTransport>"; }

    bool closing = false;
    bool reading = true;
    std::string written;
    std::shared_ptr<asyncio::BaseProtocol> protocol;

private:
    void destroy() noexcept override {}
    void find_extra_info(std::string_view, const std::type_info&, void*) const override {}
};

class UnpausableTransport final : public QuietTransport {
public:
    void pause_reading() override {
        ++asked;
        throw asyncio::NotImplementedError("it cannot pause");
    }
    int asked = 0;
};

/// Notes every call.
class Recorder : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& made) override {
        calls.emplace_back("made");
        transport = asyncio::TransportRef(made);
    }
    void connection_lost(std::exception_ptr error) override {
        calls.emplace_back(error ? "lost " + asyncio::type_name(error) : "lost");
        loss = error;
        lost.set();
    }
    void data_received(std::string_view bytes) override {
        calls.emplace_back("data");
        data += bytes;
        got_data.set();
    }
    bool eof_received() override {
        calls.emplace_back("eof");
        got_eof.set();
        return keep_open;
    }
    void pause_writing() override { calls.emplace_back("pause"); }
    void resume_writing() override {
        calls.emplace_back("resume");
        resumed.set();
    }

    int count(std::string_view call) const {
        int times = 0;
        for (const std::string& made : calls) times += made == call ? 1 : 0;
        return times;
    }

    std::vector<std::string> calls;
    std::string data;
    asyncio::TransportRef transport;
    std::exception_ptr loss;
    asyncio::Event got_data;
    asyncio::Event got_eof;
    asyncio::Event resumed;
    asyncio::Event lost;
    bool keep_open = false;
};

} // namespace support
