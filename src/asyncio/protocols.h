// SPDX-License-Identifier: MIT
// Protocols: what a program does with the events of a connection.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string_view>

namespace asyncio {

class Transport;
namespace os {
class Address;
} // namespace os

/// What every protocol is told. All calls come from the loop, one at a time, and must not block.
///
/// connection_made once; then what the kind of protocol receives; then connection_lost once.
///
/// Lifetime  a factory makes it as a std::shared_ptr; its transport keeps it until connection_lost
///           has returned.
/// Source    CPython 3.14 asyncio.BaseProtocol.
class BaseProtocol {
public:
    BaseProtocol() = default;
    BaseProtocol(const BaseProtocol&) = delete;
    BaseProtocol& operator=(const BaseProtocol&) = delete;
    virtual ~BaseProtocol() = default;

    /// The connection is there.
    /// transport   valid until connection_lost has returned; a TransportRef keeps it longer.
    virtual void connection_made([[maybe_unused]] Transport& transport) {}
    /// The connection is gone.
    /// error   null: closed by us, or by the peer in good order.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): for those that keep it.
    virtual void connection_lost([[maybe_unused]] std::exception_ptr error) {}
    /// The transport holds more unsent bytes than its high-water mark: stop writing. Comes from
    /// inside write().
    virtual void pause_writing() {}
    /// The unsent bytes have fallen to the low-water mark.
    virtual void resume_writing() {}
};

/// A protocol that is given bytes as they come.
/// Source    CPython 3.14 asyncio.Protocol.
class Protocol : public BaseProtocol {
public:
    /// Some bytes have come; how the sender cut them says nothing.
    /// Lifetime  `data` is gone when this returns.
    virtual void data_received([[maybe_unused]] std::string_view data) {}
    /// The peer will send no more.
    /// Returns   true: our side stays open for writing; false: the transport closes.
    virtual bool eof_received() { return false; }
};

/// A protocol that is given datagrams: each one whole, or not at all.
/// Source    CPython 3.14 asyncio.DatagramProtocol.
class DatagramProtocol : public BaseProtocol {
public:
    /// A datagram has come. It may be empty, which is not the end of anything.
    /// from      its sender; of no family if that is not known.
    /// Lifetime  `data` is gone when this returns.
    virtual void datagram_received([[maybe_unused]] std::string_view data,
                                   [[maybe_unused]] const os::Address& from) {}
    /// The system has refused to send or to receive: nobody listens there (ConnectionRefusedError),
    /// the datagram is too large (OSError with EMSGSIZE). The endpoint goes on.
    /// error     an OSError
    // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it may keep it
    virtual void error_received([[maybe_unused]] std::exception_ptr error) {}
};

/// A protocol that says where the bytes are to be put.
/// Source    CPython 3.14 asyncio.BufferedProtocol.
class BufferedProtocol : public BaseProtocol {
public:
    /// Room for the next bytes, at least one.
    /// size_hint   how much would be welcome; -1: any.
    /// Lifetime  the transport writes into it until buffer_updated().
    virtual std::span<std::byte> get_buffer(std::ptrdiff_t size_hint) = 0;
    /// The first `bytes` of the buffer were filled.
    virtual void buffer_updated(std::size_t bytes) = 0;
    /// As Protocol::eof_received().
    virtual bool eof_received() { return false; }
};

} // namespace asyncio
