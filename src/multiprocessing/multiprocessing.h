// SPDX-License-Identifier: MIT
// The face of multiprocessing: one include for everything.
#pragma once

#include "multiprocessing/errors.h"         // BrokenProcessPool, PicklingError, RemoteError
#include "multiprocessing/freeze_support.h" // freeze_support
#include "multiprocessing/pool.h"           // Pool, AsyncResult
#include "multiprocessing/process_pool.h"   // ProcessPoolExecutor
#include "multiprocessing/registry.h"       // Registration, ExceptionRegistration
