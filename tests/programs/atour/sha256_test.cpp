// SPDX-License-Identifier: MIT
// SHA-256: the standard's own examples, every length around a block, and every cut.
#include "programs/atour/sha256.h"

#include "asyncio/testing/testing.h"

#include <string_view>
#include <vector>

namespace {

using atour::Sha256;
using atour::to_hex;

std::string sum_of(std::string_view text) {
    Sha256 sum;
    sum.update(std::as_bytes(std::span(text)));
    return to_hex(sum.finish());
}

TEST("sha256: the examples of the standard come out") {
    CHECK_EQ(sum_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_EQ(sum_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_EQ(sum_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
             "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    CHECK_EQ(sum_of(std::string(1'000'000, 'a')),
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST("sha256: nothing has a sum, too") {
    CHECK_EQ(sum_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// Python: the sum of the sums of bytes((7*i+n) & 255 for i in range(n)), for n in range(300).
TEST("sha256: every length up to 299 bytes comes out as in hashlib") {
    Sha256 all;
    for (unsigned length = 0; length < 300; ++length) {
        std::vector<std::byte> bytes;
        for (unsigned i = 0; i < length; ++i) bytes.push_back(std::byte((7 * i + length) & 255));
        Sha256 one;
        one.update(bytes);
        const Sha256::Digest sum = one.finish();
        all.update(std::as_bytes(std::span(sum)));
    }
    CHECK_EQ(to_hex(all.finish()),
             "d5238871a46ac4a1a75ac3fb19d645b0b3b9e5f35f5f720e2b240d605c6b694e");
}

TEST("sha256: where the bytes are cut changes nothing") {
    std::string text;
    for (int i = 0; i < 200; ++i) text += static_cast<char>(i);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        Sha256 sum;
        sum.update(bytes.first(cut));
        sum.update(bytes.subspan(cut));
        CHECK_EQ(to_hex(sum.finish()), sum_of(text));
    }
    Sha256 byte_by_byte;
    for (const std::byte& byte : bytes) byte_by_byte.update({&byte, 1});
    CHECK_EQ(to_hex(byte_by_byte.finish()), sum_of(text));
}

} // namespace
