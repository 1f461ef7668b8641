// SPDX-License-Identifier: MIT
// main() of a test program.
#include "asyncio/testing/testing.h"

int main(int argc, char** argv) { return asyncio::testing::run_all(argc, argv); }
