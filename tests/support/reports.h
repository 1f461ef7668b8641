// SPDX-License-Identifier: MIT
// What the running loop's exception handler is told while a Reports lives.
#pragma once

#include "asyncio/testing/testing.h"

#include <string>
#include <vector>

namespace support {

class Reports {
public:
    Reports() {
        asyncio::testing::loop().set_exception_handler(
            [this](asyncio::EventLoop&, const asyncio::ExceptionContext& context) {
                seen.push_back(context);
            });
    }
    Reports(const Reports&) = delete; // the handler knows its address
    Reports& operator=(const Reports&) = delete;
    ~Reports() { asyncio::testing::loop().set_exception_handler(nullptr); }

    /// "message: what the exception says", for each.
    std::vector<std::string> lines() const {
        std::vector<std::string> lines;
        for (const asyncio::ExceptionContext& context : seen) {
            lines.push_back(context.message + ": " + asyncio::message_of(context.exception));
        }
        return lines;
    }
    std::vector<std::string> messages() const {
        std::vector<std::string> texts;
        for (const asyncio::ExceptionContext& context : seen) texts.push_back(context.message);
        return texts;
    }

    std::vector<asyncio::ExceptionContext> seen;
};

} // namespace support
