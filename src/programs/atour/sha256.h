// SPDX-License-Identifier: MIT
// SHA-256: the digest of bytes that come in pieces of any size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace atour {

/// Computes one digest: update() as often as there are bytes, then finish().
///
/// Thread    any; one at a time.
/// Cost      nothing is allocated.
/// Source    FIPS 180-4, sections 5 and 6.2.
class Sha256 {
public:
    using Digest = std::array<std::uint8_t, 32>;

    void update(std::span<const std::byte> bytes) noexcept;

    /// The digest of all bytes so far. Call it once: the object is used up.
    Digest finish() noexcept;

private:
    static constexpr std::size_t block_bytes = 64;
    static constexpr std::size_t length_bytes = 8; // at the end of the last block

    void compress(const std::byte* blocks, std::size_t count) noexcept;

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::byte, block_bytes> pending_{}; // the block that is not full yet
    std::uint64_t bytes_ = 0;                      // all that came, pending ones included
};

/// The digest in 64 hexadecimal digits, as sha256sum prints it.
std::string to_hex(const Sha256::Digest& digest);

} // namespace atour
