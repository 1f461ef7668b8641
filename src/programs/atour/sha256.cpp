// SPDX-License-Identifier: MIT
// SHA-256 as FIPS 180-4 describes it, with its names, in small letters.
#include "programs/atour/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace atour {

namespace {

using Word = std::uint32_t;

constexpr std::array<Word, 64> k{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

Word load_big_endian(const std::byte* bytes) noexcept {
    Word word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap32(word);
    return word;
}

void store_big_endian(std::uint64_t value, std::span<std::byte> into) noexcept {
    for (std::size_t i = into.size(); i-- > 0; value >>= 8) into[i] = std::byte(value & 0xff);
}

Word big_sigma_0(Word x) noexcept { return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22); }
Word big_sigma_1(Word x) noexcept { return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25); }
Word small_sigma_0(Word x) noexcept { return std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3); }
Word small_sigma_1(Word x) noexcept { return std::rotr(x, 17) ^ std::rotr(x, 19) ^ (x >> 10); }
Word ch(Word x, Word y, Word z) noexcept { return ((y ^ z) & x) ^ z; }
Word maj(Word x, Word y, Word z) noexcept { return (x & y) | (z & (x | y)); }

// One round. The standard moves eight values along by one place; here they stay, and the next call
// names them one place further.
[[gnu::always_inline]] inline void round(Word a, Word b, Word c, Word& d, Word e, Word f, Word g,
                                         Word& h, Word k_plus_w) noexcept {
    const Word t1 = h + big_sigma_1(e) + ch(e, f, g) + k_plus_w;
    d += t1;
    h = t1 + big_sigma_0(a) + maj(a, b, c);
}

} // namespace

void Sha256::compress(const std::byte* blocks, std::size_t count) noexcept {
    for (; count > 0; --count, blocks += block_bytes) {
        std::array<Word, 64> w;
        for (std::size_t t = 0; t < 16; ++t) w[t] = load_big_endian(blocks + 4 * t);
        for (std::size_t t = 16; t < 64; ++t) {
            w[t] = small_sigma_1(w[t - 2]) + w[t - 7] + small_sigma_0(w[t - 15]) + w[t - 16];
        }
        auto [a, b, c, d, e, f, g, h] = state_;
        for (std::size_t t = 0; t < 64; t += 8) {
            round(a, b, c, d, e, f, g, h, k[t] + w[t]);
            round(h, a, b, c, d, e, f, g, k[t + 1] + w[t + 1]);
            round(g, h, a, b, c, d, e, f, k[t + 2] + w[t + 2]);
            round(f, g, h, a, b, c, d, e, k[t + 3] + w[t + 3]);
            round(e, f, g, h, a, b, c, d, k[t + 4] + w[t + 4]);
            round(d, e, f, g, h, a, b, c, k[t + 5] + w[t + 5]);
            round(c, d, e, f, g, h, a, b, k[t + 6] + w[t + 6]);
            round(b, c, d, e, f, g, h, a, k[t + 7] + w[t + 7]);
        }
        const std::array<Word, 8> mixed{a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state_[i] += mixed[i];
    }
}

void Sha256::update(std::span<const std::byte> bytes) noexcept {
    const std::size_t held = bytes_ % block_bytes;
    bytes_ += bytes.size();
    if (held > 0) {
        const std::size_t taken = std::min(bytes.size(), block_bytes - held);
        std::copy_n(bytes.begin(), taken, pending_.begin() + held);
        bytes = bytes.subspan(taken);
        if (held + taken < block_bytes) return;
        compress(pending_.data(), 1);
    }
    compress(bytes.data(), bytes.size() / block_bytes);
    const auto rest = bytes.last(bytes.size() % block_bytes);
    std::copy(rest.begin(), rest.end(), pending_.begin());
}

// Padding (section 5.1.1): a bit 1, zeros, and the number of bits, up to the end of a block.
Sha256::Digest Sha256::finish() noexcept {
    std::array<std::byte, block_bytes + length_bytes> padding{std::byte{0x80}};
    const std::size_t held = bytes_ % block_bytes;
    const std::size_t zeros_end = block_bytes - length_bytes; // where the length begins
    const std::size_t size = (held < zeros_end ? zeros_end : zeros_end + block_bytes) - held;
    store_big_endian(bytes_ * 8, std::span(padding).subspan(size, length_bytes));
    update(std::span(padding).first(size + length_bytes));

    Digest digest;
    const std::span<std::byte> into = std::as_writable_bytes(std::span(digest));
    for (std::size_t i = 0; i < 8; ++i) store_big_endian(state_[i], into.subspan(4 * i, 4));
    return digest;
}

std::string to_hex(const Sha256::Digest& digest) {
    std::string text;
    text.reserve(2 * digest.size());
    for (const unsigned byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

} // namespace atour
