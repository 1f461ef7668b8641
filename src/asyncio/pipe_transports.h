// SPDX-License-Identifier: MIT
// Transports of pipes, fifos and terminals: one way each.
#pragma once

#include "asyncio/stream_transports.h"

namespace asyncio::detail {

/// What both ways have in common.
class PipeTransport : public StreamTransport {
protected:
    /// Throws    ValueError: no pipe, socket or character device. OSError: not open. TypeError:
    ///           no protocol. The descriptor is closed then.
    PipeTransport(EventLoop& loop, os::Descriptor pipe, std::shared_ptr<BaseProtocol> protocol,
                  const Channel::Ops& operations);
    ~PipeTransport() override = default;

    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override;
    std::string peer_text() const override;
};

/// Receives.
/// Source    CPython 3.14 unix_events._UnixReadPipeTransport.
class ReadPipeTransport final : public PipeTransport {
public:
    ReadPipeTransport(EventLoop& loop, os::Descriptor pipe, std::shared_ptr<BaseProtocol> protocol)
        : PipeTransport(loop, std::move(pipe), std::move(protocol), channel_ops) {}

    // The half that is not there: what `Transport` says of it.
    // NOLINTBEGIN(bugprone-parent-virtual-call): past the half that is there.
    void write(std::string_view data) override { Transport::write(data); }
    void writelines(std::span<const std::string_view>) override { Transport::write({}); }
    void write_eof() override { Transport::write_eof(); }
    bool can_write_eof() const noexcept override { return false; }
    void set_write_buffer_limits(std::optional<std::ptrdiff_t> high,
                                 std::optional<std::ptrdiff_t> low) override {
        Transport::set_write_buffer_limits(high, low);
    }
    // NOLINTEND(bugprone-parent-virtual-call)
    SendfileMode sendfile_mode() const noexcept override { return SendfileMode::unsupported; }

private:
    ~ReadPipeTransport() override = default;
    const char* name() const noexcept override { return "ReadPipeTransport"; }
    void received_eof() override;
    void read_failed(const std::exception_ptr& error) override;
    void refuse_write(const char*) override {}
};

/// Sends, and notices when nobody is left to receive.
/// Source    CPython 3.14 unix_events._UnixWritePipeTransport.
class WritePipeTransport final : public PipeTransport {
public:
    WritePipeTransport(EventLoop& loop, os::Descriptor pipe,
                       std::shared_ptr<BaseProtocol> protocol);

    void write_eof() override { close(); } // there is nothing else to it
    // The half that is not there, as above.
    // NOLINTBEGIN(bugprone-parent-virtual-call)
    bool is_reading() const override { return Transport::is_reading(); }
    void pause_reading() override { Transport::pause_reading(); }
    void resume_reading() override { Transport::resume_reading(); }
    // NOLINTEND(bugprone-parent-virtual-call)
    std::string text() const override;

private:
    ~WritePipeTransport() override = default;
    const char* name() const noexcept override { return "WritePipeTransport"; }
    void received_eof() override {}
    void read_failed(const std::exception_ptr&) override {}
    void refuse_write(const char* function) override;

    static const Channel::Ops write_ops;
    void on_write_io(std::uint32_t events);

    const bool tells_end_; // a terminal may get another reader
};

} // namespace asyncio::detail
