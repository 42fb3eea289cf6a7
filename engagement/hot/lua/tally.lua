-- The tally of a ballot's view. ARGV: 1 ballot. Answers {COLD, run, policy} | {OK, tally}
if not live() then return cold() end
return {'OK', tally()}
