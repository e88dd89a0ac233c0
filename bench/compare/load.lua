-- Requests and known answers of one measurement. The folder, given as the argument, holds a body a line in "requests",
-- an answer a line in "answers", and the headers in "headers". An answer that is not known is counted as wrong.

local lines = function(path)
  local read = {}
  for line in io.lines(path) do read[#read + 1] = line end
  return read
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

wrong = 0
answered = 0
local requests, known = {}, {}
local at = 0

function init(args)
  local folder = args[1]
  for _, line in ipairs(lines(folder .. "/headers")) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  for index, body in ipairs(lines(folder .. "/requests")) do
    requests[index] = wrk.format("POST", nil, nil, body)
  end
  for _, body in ipairs(lines(folder .. "/answers")) do
    known[body] = true
    -- Some servers end an answer with a line break.
    known[body .. "\n"] = true
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function response(status, headers, body)
  answered = answered + 1
  if status ~= 200 or not known[body] then wrong = wrong + 1 end
end

function done(summary, latency, _)
  local wrongAnswers, answers = 0, 0
  for _, thread in ipairs(threads) do
    wrongAnswers = wrongAnswers + thread:get("wrong")
    answers = answers + thread:get("answered")
  end
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '\nresult {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"wrong":%d,"errors":%d}\n',
    answers, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, wrongAnswers, errors))
end
