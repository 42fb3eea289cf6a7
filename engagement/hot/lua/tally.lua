-- The tally of a ballot's view. Answers {COLD, run} | {OK, tally}
if not live() then return {'COLD', run()} end
return {'OK', tally()}
